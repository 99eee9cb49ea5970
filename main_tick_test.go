package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sse/sse"
)

func TestTickCatchesUpButNotAfterASuspension(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		published, done := make(chan sse.Event), make(chan struct{})
		publish := func(_ context.Context, e sse.Event) error {
			select {
			case published <- e:
				return nil
			case <-done:
				return sse.ErrStopped
			}
		}
		go tick(publish, done, 100*time.Millisecond, time.Now)
		// after counts the events that are due at once after a time of receiving none.
		after := func(d time.Duration) (events int) {
			time.Sleep(d)
			for {
				synctest.Wait()
				select {
				case <-published:
					events++
				default:
					return events
				}
			}
		}
		for _, test := range []struct {
			after    time.Duration
			min, max int
		}{
			{100 * time.Millisecond, 1, 1},
			{100 * time.Millisecond, 1, 1},
			{900 * time.Millisecond, 9, 9},
			{time.Hour, 1, 3},
			{100 * time.Millisecond, 1, 1},
		} {
			if events := after(test.after); events < test.min || events > test.max {
				t.Errorf("%d events after %v, want %d to %d", events, test.after, test.min, test.max)
			}
		}
		// One that waits for its time and one that waits to publish both end.
		go tick(publish, done, time.Hour, time.Now)
		time.Sleep(time.Second)
		close(done)
	})
}

// A disk that is full now may have room for the next event.
func TestTickGoesOnAfterAnErrorAndEndsWithTheBroker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		errs := []error{nil, sse.ErrFull, errors.New("the disk has another error"), nil, fmt.Errorf("not published: %w", sse.ErrStopped)}
		n := 0
		tick(func(context.Context, sse.Event) error {
			n++
			return errs[n-1]
		}, t.Context().Done(), time.Second, time.Now)
		if n != len(errs) {
			t.Errorf("%d ticks, want %d", n, len(errs))
		}
	})
}

func TestPayloadIsTheSeeds(t *testing.T) {
	got := string(hello(time.Unix(1795345092, 0).UTC()))
	if want := `{"timestamp":1795345092,"message":"Hello at Sun, 22 Nov 2026 10:58:12 UTC"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// While a machine sleeps its timers stand still, so that is like a clock that is set forward.
func TestEventTellsTheTimeAlsoAfterTheClockWasSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ahead atomic.Int64 // how far the clock was set ahead of the timers
		clock := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
		published := make(chan sse.Event)
		publish := func(_ context.Context, e sse.Event) error {
			select {
			case published <- e:
				return nil
			case <-t.Context().Done():
				return sse.ErrStopped
			}
		}
		go tick(publish, t.Context().Done(), time.Minute, clock)
		for _, set := range []time.Duration{0, 0, time.Hour, 0, -24 * time.Hour, 0, time.Millisecond} {
			ahead.Add(int64(set))
			before := time.Now()
			e := <-published
			if want := string(hello(clock())); string(e.Data) != want {
				t.Errorf("the clock was set by %v: got %s, want %s", set, e.Data, want)
			}
			if waited := time.Since(before); waited != time.Minute {
				t.Errorf("the clock was set by %v: the event came after %v", set, waited)
			}
		}
	})
}
