package cluster

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestBoundariesAreTheSameOnEveryServer(t *testing.T) {
	// time.Truncate would give another time for this interval.
	const interval = 7 * time.Second
	now := time.Unix(1_000_000, 999)
	got := lastBoundary(now, interval)
	if got%int64(interval) != 0 || got > now.UnixNano() || got+int64(interval) <= now.UnixNano() {
		t.Errorf("the boundary before %d is %d", now.UnixNano(), got)
	}
}

func TestTicksAreOneAnInterval(t *testing.T) {
	const interval, step = time.Second, int64(time.Second)
	for _, test := range []struct {
		what            string
		now, last, want int64
	}{
		{"in time", 10*step + 5, 10 * step, 11 * step},
		{"woken a moment early", 11*step - 5, 11 * step, 12 * step},
		{"a publication took its whole interval", 11*step + 5, 10 * step, 11 * step},
		{"a publication took longer, or the machine slept", 20*step + 5, 10 * step, 20 * step},
		{"the clock was set back", 3*step + 5, 10 * step, 4 * step},
	} {
		if got := nextBoundary(time.Unix(0, test.now), test.last, interval); got != test.want {
			t.Errorf("%s: got %d, want %d", test.what, got, test.want)
		}
	}
}

func TestTicksFollowTheClockWhenItIsSet(t *testing.T) {
	const interval = time.Minute
	synctest.Test(t, func(t *testing.T) {
		var ahead atomic.Int64 // how far the clock was set ahead of the timers, as while a machine sleeps
		clock := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
		var ticks atomic.Int64
		last := time.Now() // when the last tick was, by the timers
		go onBoundaries(t.Context(), interval, clock, func(_ context.Context, boundary int64) {
			if late := clock().Sub(time.Unix(0, boundary)); late < 0 || late >= interval || boundary%int64(interval) != 0 {
				t.Errorf("the tick of %v came %v after it", time.Unix(0, boundary).UTC(), late)
			}
			if waited := time.Since(last); waited > 2*interval {
				t.Errorf("no tick for %v", waited)
			}
			last = time.Now()
			ticks.Add(1)
		})
		for _, set := range []time.Duration{0, time.Hour, 0, 90 * time.Second, -time.Hour, 0, -time.Second, 0, time.Millisecond, 0} {
			time.Sleep(interval * 5 / 4)
			synctest.Wait()
			if ticks.Swap(0) == 0 {
				t.Errorf("no tick in an interval and a quarter before %v", clock().UTC())
			}
			ahead.Add(int64(set))
			time.Sleep(2 * clockCheck)
			synctest.Wait()
			if n := ticks.Load(); set >= interval && n == 0 {
				t.Errorf("the clock was set by %v: no tick at once", set)
			}
		}
	})
}

func TestTickOfAnotherServerIsNotPublishedAgain(t *testing.T) {
	const interval, step = time.Second, int64(time.Second)
	for _, test := range []struct {
		boundary, last int64
		want           bool
	}{
		{10 * step, 0, true}, // none was ever read
		{10 * step, 9 * step, true},
		{10 * step, 10 * step, false},
		{10 * step, 11 * step, false},     // its clock is ahead of ours
		{10 * step, 3600 * step, true},    // it is wrong
		{10 * step, 1<<63 - 1, true},      // another publisher's
		{10 * step, -(1 << 63) + 1, true}, // likewise
	} {
		if got := isNew(test.boundary, test.last, interval); got != test.want {
			t.Errorf("the tick %d after %d: got %v", test.boundary, test.last, got)
		}
	}
}

func TestOnlyTicksCountAsTicks(t *testing.T) {
	for id, want := range map[string]int64{
		"tick-1795345822000000000": 1795345822000000000,
		"tick-":                    0,
		"tick-soon":                0,
		"1795345822000000000":      0,
		"":                         0,
	} {
		if got := boundaryOf(id); got != want {
			t.Errorf("%q: got %d, want %d", id, got, want)
		}
	}
}
