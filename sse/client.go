package sse

import (
	"sync"
	"sync/atomic"
	"time"
)

// A client is a registered connection.
type client struct {
	// Set before the client is registered:

	broker         *Broker
	out            transport
	socket         *socket // out, where the connection was hijacked; otherwise nil
	resumes        bool    // it sent a last event ID
	lastEventID    int64   // that ID
	showHeartbeats bool    // its heartbeats are events
	ends           *ending // when its stream is to end; nil for never
	ended          func()  // what to call when its stream has ended; nil for nothing

	outbox outbox         // from listen to the client's writer
	rest   []byte         // what its writer has picked up and not written yet; owned by the writer
	users  sync.WaitGroup // the writers that may use out; listen adds them while the client is registered

	// progress is when a part was last written of more than one, in nanoseconds since the broker began.
	progress atomic.Int64

	// Owned by listen, but for next, which is the writer's while the client is in its list:

	next      *client   // in a list of clients
	index     int       // in the registry; gone where the client is not there
	cursor    cursor    // how far it has been sent the history
	waitUntil time.Time // how long it waits for an event that this broker does not have yet
	commented bool      // what was made pending last is a comment
	finished  bool      // it gets no more
	cut       bool      // it was cut off
}

// gone is the index of a client that is not in the registry.
const gone = -1

// A cursor is how far a client has been sent the history. Only listen uses it. The zero
// cursor has no position yet.
type cursor struct {
	placed     bool      // it has a position in the history
	start, end int64     // the range that was last made pending
	since      time.Time // since when something is pending, or could be
}

// place gives the cursor its position. Only a heartbeat can be pending then.
func (c *cursor) place(position int64) {
	c.placed = true
	c.start, c.end = position, position
}

// taken says that the client's writer has picked up the range: the next one starts at its end.
func (c *cursor) taken(now time.Time) { c.start, c.since = c.end, now }

// advance extends the range to a position, if the client has one of its own.
func (c *cursor) advance(end int64) {
	if c.placed {
		c.end = end
	}
}

// empty tells whether there is nothing that the client has not been sent.
func (c *cursor) empty() bool { return c.start == c.end }

// evicted tells whether the history has evicted the next event.
func (c *cursor) evicted(h *history) bool { return !c.empty() && c.start < h.start() }

// join registers a client, and reports whether the broker has not stopped.
func (b *Broker) join(c *client) bool {
	c.users.Add(1) // its first writer
	select {
	case b.newClients <- c:
		return true
	case <-b.done:
		return false
	}
}

// leave unregisters a client. Whoever waits for the end of the client's connection calls it, and
// nobody else: writers only end a stream, or cut it off.
func (b *Broker) leave(c *client) {
	b.closingClients <- c
	b.streams.Done()
}

// cutOff cuts the client off. It does not wait. It is called by listen alone.
func (c *client) cutOff() {
	if !c.cut {
		c.cut, c.finished = true, true
		c.out.cutOff()
	}
}

// stalled tells whether the client's socket has taken nothing for too long, although something is
// pending: the client's writer has neither picked up a range nor written a part of one. It is called
// by listen alone.
func (c *client) stalled(now time.Time) bool {
	timeout := c.broker.stallTimeout()
	return now.Sub(c.cursor.since) > timeout && now.Sub(c.broker.began)-time.Duration(c.progress.Load()) > timeout
}

// hasProgressed notes that a part was written. The client's writer calls it where more is to come,
// so a client that keeps up costs no look at the clock.
func (c *client) hasProgressed() { c.progress.Store(int64(time.Since(c.broker.began))) }
