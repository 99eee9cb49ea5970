package sse

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// A sliceArchive is an archive in memory that keeps the last events.
type sliceArchive struct {
	mu      sync.Mutex
	keeps   int // how many events; 0 for all
	events  []Event
	evicted map[string]int64 // by topic: the newest that it does not keep
	calls   int
	open    int // calls whose sequences have not ended
	mostAt  int // how many of them at once, at most

	// Set before it is used, for all calls:

	pause func() time.Duration // before each event; nil for none
	fails func() bool          // whether the next event is an error instead; nil for never
}

var errArchive = errors.New("the disk is gone")

func (a *sliceArchive) add(e Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.evicted == nil {
		a.evicted = make(map[string]int64)
	}
	a.events = append(a.events, e)
	for a.keeps > 0 && len(a.events) > a.keeps {
		a.evicted[a.events[0].Topic] = a.events[0].ID
		a.events = a.events[1:]
	}
}

// isComplete tells whether nothing is missing of topics after an ID. The mutex must be held.
func (a *sliceArchive) isComplete(topics []string, after int64) bool {
	return !slices.ContainsFunc(topics, func(name string) bool { return a.evicted[name] > after })
}

// after is the archive.
func (a *sliceArchive) after(ctx context.Context, topics []string, after int64) (complete bool, events iter.Seq2[Event, error]) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls++
	complete = a.isComplete(topics, after)
	// What it says is true of what it yields: what goes meanwhile is yielded all the same.
	kept := slices.Clone(a.events)
	return complete, func(yield func(Event, error) bool) {
		a.begin(1)
		defer a.begin(-1)
		for _, e := range kept {
			if e.ID <= after || !slices.Contains(topics, e.Topic) {
				continue
			}
			if a.pause != nil {
				select {
				case <-time.After(a.pause()):
				case <-ctx.Done():
					yield(Event{}, ctx.Err())
					return
				}
			}
			if a.fails != nil && a.fails() {
				yield(Event{}, errArchive)
				return
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

func (a *sliceArchive) begin(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.open += n
	a.mostAt = max(a.mostAt, a.open)
}

// lacks tells whether the archive does not keep an event any more.
func (a *sliceArchive) lacks(e Event) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.evicted[e.Topic] >= e.ID
}

// figures returns how often it was called, how many sequences have not ended, and how many were read at once.
func (a *sliceArchive) figures() (calls, open, most int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.calls, a.open, a.mostAt
}

// newArchivedBroker returns a broker with an archive, whose source numbers its events.
func newArchivedBroker(options Options, a *sliceArchive) *Broker {
	b := New(options)
	b.Hold()
	b.SetArchive(a.after)
	b.Release()
	return b
}

// among returns one of the values at random.
func among[T any](noise *rand.Rand, values ...T) T { return values[noise.IntN(len(values))] }
