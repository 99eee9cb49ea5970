package sse

import (
	"net"
	"sync/atomic"
)

// clientsPerWriter is how many clients one goroutine writes to: enough that starting it costs
// nothing, few enough that all cores share a fan-out.
const clientsPerWriter = 64

// maxWithHead is how much of what a client has missed is copied behind its head, to write both at
// once. More takes longer to write than two system calls do.
const maxWithHead = 16 << 10

// writers are the short-lived goroutines that write for all clients. Its methods are called
// by listen alone, but for run. The zero value is not usable: see newWriters.
type writers struct {
	queue  *client // the clients for the next writer
	queued int     // how many they are

	running    *atomic.Int32 // the writers of a round that have not ended
	roundEnded chan struct{} // capacity 1: the last writer of a round has ended
}

func newWriters() writers {
	return writers{running: new(atomic.Int32), roundEnded: make(chan struct{}, 1)}
}

// add queues a client that has something pending and no writer.
func (w *writers) add(c *client) {
	c.next, w.queue = w.queue, c
	if w.queued++; w.queued == clientsPerWriter {
		w.start()
	}
}

// start starts a goroutine that writes to the clients queued so far.
func (w *writers) start() {
	if list := w.take(); list != nil {
		w.running.Add(1)
		go w.run(list)
	}
}

// startAside is start for clients that have just come. No round waits for them, and listen need not
// hear of their end: with thousands of clients that come at once it would hear of little else.
func (w *writers) startAside() {
	if list := w.take(); list != nil {
		go write(list)
	}
}

// take empties the queue, and returns what was in it.
func (w *writers) take() (list *client) {
	list, w.queue, w.queued = w.queue, nil, 0
	return list
}

// busy tells whether a round is under way.
func (w *writers) busy() bool { return w.running.Load() > 0 }

// run serves a list of clients, and tells listen when it is the round's last writer.
func (w *writers) run(list *client) {
	write(list)
	if w.running.Add(-1) == 0 {
		select {
		case w.roundEnded <- struct{}{}:
		default: // listen has not heard of the last time yet.
		}
	}
}

// write serves a list of clients, one batch each in turn, until none has any. On Linux a client
// that keeps up costs one write to its socket, and neither a goroutine of its own nor, over
// plain TCP, a pass through the scheduler.
func write(list *client) {
	w := newTryWriter()
	for list != nil {
		var again *client
		for c := list; c != nil; {
			next := c.next
			c.next = nil // A list must not keep clients that have left.
			if c.writeBatch(w) {
				c.next, again = again, c
			}
			c = next
		}
		list = again
	}
}

// writeBatch writes what is pending for the client, and reports whether there may be more.
func (c *client) writeBatch(w *tryWriter) (more bool) {
	ending := c.outbox.begin()
	batch, closed := c.outbox.next()
	if c.head != nil {
		head := c.head
		c.head = nil
		if len(batch) > maxWithHead {
			go c.writeRest(head, batch)
			return false
		}
		batch, closed = append(head, batch...), false
	}
	if closed {
		c.end()
		return false
	}
	if batch != nil {
		n, err := w.write(&c.socket, batch)
		if err != nil {
			c.shutDown()
			return false
		}
		if n < len(batch) {
			go c.writeRest(batch[n:])
			return false
		}
	}
	// A closed outbox may hold a last batch: only another look tells that it is empty.
	return ending || !c.outbox.release()
}

// writeRest writes what a socket had no room for. It blocks until the client has read
// enough or is cut off; then the client is one like all others again.
func (c *client) writeRest(rest ...[]byte) {
	if _, err := (*net.Buffers)(&rest).WriteTo(c.socket.conn); err != nil {
		c.shutDown()
		return
	}
	write(c)
}
