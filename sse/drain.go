package sse

import (
	"context"
	"sync"
	"time"
)

// drainTick is the least time between two calls of endDue. Streams whose times to end lie closer together end together.
const drainTick = 10 * time.Millisecond

// Drain ends the streams one after another, spread evenly over a time, so that the servers to which the clients
// reconnect get them at an even rate and not all in a second. Events go on to those who are still connected, and
// each stream ends after all that was published before. A client that connects meanwhile gets a stream that
// ends where it begins, so that the client reconnects, as after [Broker.Shutdown]; over HTTP/2 the client is told to
// open another connection, which may lead to another server.
//
// Drain returns nil when the last stream was ended, or the broker was shut down, and ctx's error when ctx ends
// earlier: then the streams still go on ending one after another. A second call waits for what the first has begun.
// Call [Broker.Shutdown] afterwards: it waits for what is still being sent.
func (b *Broker) Drain(ctx context.Context, over time.Duration) error {
	d := &b.drain
	d.begin.Do(func() {
		select {
		case d.requests <- over:
		case <-b.stopped:
		}
	})
	select {
	case <-d.drained:
		return nil
	case <-b.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// drain is what a broker needs to drain.
type drain struct {
	begin    sync.Once
	draining chan struct{}      // closed by listen when it drains: nobody joins from then on
	requests chan time.Duration // the time over which listen is to end the streams
	drained  chan struct{}      // closed when listen has ended the last one

	// Owned by listen:

	timer     *time.Timer // fires when a stream is to end
	began     time.Time
	over      time.Duration
	clients   []*client // in the order in which they are to end; some may have left
	nextToEnd int       // which of clients comes next: the streams of those before it were ended, or they had left
}

func newDrain() drain {
	return drain{draining: make(chan struct{}), requests: make(chan time.Duration), drained: make(chan struct{}), timer: newStoppedTimer()}
}

// beginDraining notes which streams are to end, and ends the first.
func (b *Broker) beginDraining(over time.Duration) {
	d := &b.drain
	close(d.draining)
	d.began, d.over = time.Now(), over
	d.clients = append(d.clients, b.clients...)
	b.endDue()
}

// endDue ends the streams whose time has come. Those of clients that have left by themselves leave their
// times free, so the rate stays the same.
func (b *Broker) endDue() {
	d := &b.drain
	due := len(d.clients)
	if passed := time.Since(d.began); passed < d.over && len(b.clients) > 0 { // Where no client is left, all are due.
		due = int(float64(due) * float64(passed) / float64(d.over))
	}
	for ; d.nextToEnd < due; d.nextToEnd++ {
		b.endStream(d.clients[d.nextToEnd])
		d.clients[d.nextToEnd] = nil
	}
	b.writers.start()
	if d.nextToEnd < len(d.clients) {
		d.timer.Reset(max(drainTick, d.over/time.Duration(len(d.clients))))
	} else {
		d.clients = nil
		close(d.drained)
	}
}
