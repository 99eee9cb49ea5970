package sse

import (
	"errors"
	"net"
	"sync/atomic"
	"time"
)

// A client is a registered connection.
type client struct {
	// Set before the client is registered:

	broker      *Broker
	resumes     bool     // it sent a last event ID
	lastEventID int64    // that ID
	socket      socket   // its hijacked connection
	handler     *handler // what serves it instead, as over HTTP/2; nil where the connection is hijacked

	head   []byte  // what a hijacked connection gets first; nil once its writer has taken it
	outbox outbox  // from listen to the client's writer
	next   *client // in a list of clients; owned by listen until the list is a writer's

	// Owned by listen:

	index     int // in the registry
	cursor    cursor
	waitUntil time.Time // how long it waits for an event that this broker does not have yet
	finished  bool      // it gets no more
	cut       bool      // it was cut off

	// Owned by whoever waits for the connection's end:

	key      uint64 // the watcher's
	received int    // how many bytes it has sent after its request
}

// A cursor is how far a client has been sent the history. Only listen uses it. The zero
// cursor has no position yet.
type cursor struct {
	placed     bool      // it has a position in the history
	start, end int64     // the range that was last made pending
	since      time.Time // since when something is pending
}

// place gives the cursor its position. Whatever else is pending then is a heartbeat.
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

// stalled tells whether the client's writer has not picked up anything for too long.
func (c *cursor) stalled(now time.Time) bool { return now.Sub(c.since) > stallTimeout }

// An outbox hands ranges of the history from listen to a client's one writer. What is pending
// in it can be taken back and replaced by a longer range until the writer picks it up.
//
// Its state says whether the client has a writer. A writer that is blocked in a write keeps
// the state: that keeps a second writer away, and what stays pending meanwhile is how the
// broker notices that the client has stalled.
type outbox struct {
	batch  chan []byte // capacity 1: what is pending; listen fills and closes it
	state  atomic.Int32
	closed bool // owned by listen
}

// The states of an outbox.
const (
	idle    = iota // it has no writer
	writing        // a writer has looked at it, and writes what it found
	dirty          // listen has filled it since: the writer has to look again
	closing        // listen has closed it since: the writer has to look to the end
)

func newOutbox() outbox { return outbox{batch: make(chan []byte, 1)} }

// takeBack takes back what is pending, and reports whether that was anything. It is called by
// listen alone.
func (o *outbox) takeBack() bool {
	select {
	case <-o.batch:
		return true
	default:
		return false
	}
}

// put makes a batch pending, where nothing is, and reports whether a writer has to be found
// for it: if there is one already, it will look again. It is called by listen alone.
func (o *outbox) put(batch []byte) (needsWriter bool) {
	o.batch <- batch
	return o.state.Swap(dirty) == idle
}

// wake makes a writer look where nothing is pending, and reports whether one has to be found.
// It is called by listen alone.
func (o *outbox) wake() (needsWriter bool) { return o.state.CompareAndSwap(idle, dirty) }

// close says that what is pending is the last, and reports whether a writer has to be found
// to see that. It is called by listen alone.
func (o *outbox) close() (needsWriter bool) {
	if o.closed {
		return false
	}
	o.closed = true
	close(o.batch)
	return o.state.Swap(closing) == idle
}

// next returns what is pending, or nil. It reports whether the outbox is closed and empty.
// It is called by the client's writer alone.
func (o *outbox) next() (batch []byte, closed bool) {
	select {
	case batch, ok := <-o.batch:
		return batch, !ok
	default:
		return nil, false
	}
}

// begin says that the writer has seen what listen has done so far, and reports whether the
// outbox is being closed. It is called by the client's writer alone.
func (o *outbox) begin() (ending bool) { return o.state.Swap(writing) == closing }

// release gives the client up, and reports whether it did: not where listen has done
// something since begin. It is called by the client's writer alone, which is none afterwards.
func (o *outbox) release() bool { return o.state.CompareAndSwap(writing, idle) }

// join registers a client, and reports whether the broker has not stopped.
func (b *Broker) join(c *client) bool {
	select {
	case b.newClients <- c:
		return true
	case <-b.done:
		return false
	}
}

// leave unregisters a client. Writers only shut a connection down; whoever waits for its end,
// and nobody else, calls leave.
func (b *Broker) leave(c *client) {
	b.closingClients <- c
	b.streams.Done()
}

// cutOff ends a client's connection from outside, and with it a write that blocks. It does
// not wait. It is called by listen alone.
func (c *client) cutOff() {
	if c.cut {
		return
	}
	c.cut, c.finished = true, true
	if c.handler == nil {
		c.noticeClosed(c.socket.cutOff())
		return
	}
	c.outbox.takeBack()
	if c.outbox.close() {
		c.handler.end(nil)
	} else {
		c.handler.cutOff() // Its writer ends it.
	}
}

// end ends a hijacked connection after all that was written. It does not wait: to say goodbye
// over TLS may take five seconds where the socket is full.
func (c *client) end() {
	s := &c.socket
	shutDown := func() {
		s.ended.Store(true)
		c.shutDown()
	}
	if t, ok := s.conn.(interface{ CloseWrite() error }); ok && s.encrypted() {
		go func() {
			t.CloseWrite()
			shutDown()
		}()
		return
	}
	shutDown()
}

// shutDown ends both directions of a hijacked connection.
func (c *client) shutDown() { c.noticeClosed(c.socket.shutDown()) }

// noticeClosed notices where a socket that was to be shut down had been closed by somebody
// else, such as the app: then epoll has nothing to say.
func (c *client) noticeClosed(err error) {
	if errors.Is(err, net.ErrClosed) {
		go c.broker.disconnected(c)
	}
}
