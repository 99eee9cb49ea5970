package sse

import (
	"net"
	"sync/atomic"
	"time"
)

// A client is a registered connection.
type client struct {
	slot chan []byte // room for one: the stretch on offer; listen fills and closes it

	// Set before the client is registered:

	resumes     bool     // it sent a last event ID
	lastEventID int64    // that ID
	conn        net.Conn // its connection, or nil where that is not ours
	raw         rawConn  // of conn, or nil where a write that does not block is not possible
	cancel      func()   // where conn is nil: ends its handler

	// Owned by listen:

	placed     bool      // it has its place in the history
	dropped    bool      // it gets no more offers
	start, end int64     // the stretch last offered
	offered    time.Time // when that stretch began to lie in the slot

	writer atomic.Int32 // who writes: idle, writing or called
	next   *client      // in a list of clients; owned by listen until the list is a writer's
}

// join registers a client, and reports whether the broker has not stopped.
func (b *Broker) join(c *client) bool {
	select {
	case b.newClients <- c:
		return true
	case <-b.done:
		return false
	}
}

// leave unregisters a client.
func (b *Broker) leave(c *client) {
	b.closingClients <- c
	b.streams.Done()
}

// cut ends a client's connection from outside, and with it a write that blocks. It does not
// wait.
func (c *client) cut() {
	if c.conn != nil {
		c.conn.SetDeadline(time.Unix(1, 0))
	} else {
		c.cancel()
	}
}
