package sse

import (
	"sync/atomic"
	"time"
)

// A round is the writers that write the same events, and the fan-out that starts them. The last of them to end counts how
// long the events took: once, however many clients there are. A lane waits for only some of these writers, those of its
// [runningWriters]. A nil round counts nothing.
type round struct {
	rounds *histogram
	came   time.Time    // when the first of the events came
	left   atomic.Int32 // how many writers have not ended; the fan-out counts as one
}

// newRound returns the round of a lane's events, for a fan-out that has begun, or nil where there are none.
func (b *Broker) newRound(l *lane) *round {
	if len(l.topics) == 0 {
		return nil
	}
	r := &round{rounds: &b.stats.rounds, came: l.since}
	return r.join()
}

// join counts a writer in, and returns its round.
func (r *round) join() *round {
	if r != nil {
		r.left.Add(1)
	}
	return r
}

// done counts out a writer, or the fan-out, that has ended.
func (r *round) done() {
	if r != nil && r.left.Add(-1) == 0 {
		r.rounds.observe(time.Since(r.came))
	}
}

// bounds are the upper bounds of a histogram's buckets: from 50 µs, which a few clients take, to 1 s, which is not live any more.
var bounds = [14]time.Duration{
	50 * time.Microsecond, 100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond,
	50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second,
}

// A Histogram counts durations by their length. The zero value has counted none.
type Histogram struct {
	Count   int64         // how many there were
	Sum     time.Duration // all together
	Buckets [14]Bucket
}

// A Bucket is how many durations were at most AtMost: those of the buckets before it are among them.
type Bucket struct {
	AtMost time.Duration
	Count  int64
}

// A histogram is a Histogram as it is counted.
type histogram struct {
	sum     atomic.Int64
	buckets [len(bounds) + 1]atomic.Int64 // not cumulative; the last is for what is longer
}

// observe counts a duration.
func (h *histogram) observe(d time.Duration) {
	i := 0
	for i < len(bounds) && d > bounds[i] {
		i++
	}
	h.sum.Add(int64(d))
	h.buckets[i].Add(1)
}

// load returns what was counted.
func (h *histogram) load() (to Histogram) {
	to.Sum = time.Duration(h.sum.Load())
	for i := range h.buckets {
		to.Count += h.buckets[i].Load()
		if i < len(bounds) {
			to.Buckets[i] = Bucket{bounds[i], to.Count}
		}
	}
	return to
}
