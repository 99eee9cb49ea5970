package sse

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// clientsPerWriter is how many clients one goroutine writes to: enough that starting it costs
// nothing, few enough that all cores share a fan-out.
const clientsPerWriter = 64

// clientsPerBlockingWriter is the same for writes that can block. net/http makes each in a goroutine
// of its own: the fewer at once, the less memory their stacks take, half a KiB a client.
const clientsPerBlockingWriter = 256

// blockedAfter is how long a write that can block may take before it counts as blocked, more or
// less: far longer than it takes on a busy machine, and a delay that nobody sees.
const blockedAfter = 10 * time.Millisecond

// maxWithHead is how much of what a client has missed is copied behind its head, to write both at
// once. More takes longer to write than two system calls do.
const maxWithHead = 16 << 10

// writers are the short-lived goroutines that write for all clients. Its methods are called
// by listen alone, but for run. The zero value is not usable: see newWriters.
type writers struct {
	queue    queue // the clients for the next writer
	blocking queue // the clients for the next blockingWriter

	running    *atomic.Int32 // the writers of a round that have not ended
	roundEnded chan struct{} // capacity 1: the last writer of a round has ended
}

func newWriters() writers {
	return writers{running: new(atomic.Int32), roundEnded: make(chan struct{}, 1)}
}

// A queue is a list of clients.
type queue struct {
	first *client
	n     int
}

// add adds a client, and returns how many the queue has.
func (q *queue) add(c *client) int {
	c.next, q.first = q.first, c
	q.n++
	return q.n
}

// take empties the queue, and returns what was in it.
func (q *queue) take() (list *client) {
	list, *q = q.first, queue{}
	return list
}

// pop takes the first client off a list, and returns it, or nil where there is none.
func pop(list **client) *client {
	c := *list
	if c != nil {
		*list, c.next = c.next, nil // A list must not keep clients that have left.
	}
	return c
}

// add queues a client that has something pending and no writer.
func (w *writers) add(c *client) {
	if c.handler != nil {
		c.handler.users.Add(1)
		if w.blocking.add(c) == clientsPerBlockingWriter {
			w.startBlocking()
		}
	} else if w.queue.add(c) == clientsPerWriter {
		w.startRound()
	}
}

// start starts goroutines that write to the clients queued so far.
func (w *writers) start() {
	w.startRound()
	w.startBlocking()
}

// startRound starts a goroutine whose writes do not block, as a part of the round.
func (w *writers) startRound() {
	if list := w.queue.take(); list != nil {
		w.running.Add(1)
		go w.run(list)
	}
}

// startBlocking starts a goroutine whose writes can block. So no round waits for it.
func (w *writers) startBlocking() {
	if list := w.blocking.take(); list != nil {
		go writeBlocking(list)
	}
}

// startAside is start for clients that have just come. No round waits for them, and listen need not
// hear of their end: with thousands of clients that come at once it would hear of little else.
func (w *writers) startAside() {
	if list := w.queue.take(); list != nil {
		go write(list)
	}
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
		for c := pop(&list); c != nil; c = pop(&list) {
			if c.writeBatch(w) {
				c.next, again = again, c
			}
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

// A blockingWriter writes in turn to clients that handlers serve. A write to one of them can block,
// and only trying tells. Where it does, each client whose turn has not come gets a goroutine of its own.
type blockingWriter struct {
	mu    sync.Mutex
	list  *client     // the clients whose turn has not come
	turns int         // how many have had theirs
	seen  int         // how many of those look has seen
	timer *time.Timer // calls look
}

// writeBlocking serves a list of clients that handlers serve, until none has anything pending.
func writeBlocking(list *client) {
	w := &blockingWriter{list: list}
	w.mu.Lock()
	w.timer = time.AfterFunc(blockedAfter, w.look)
	w.mu.Unlock()
	defer w.timer.Stop()
	for c := w.next(); c != nil; c = w.next() {
		c.writeAllBlocking()
	}
}

// next returns the client whose turn it is, or nil at the end.
func (w *blockingWriter) next() *client {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.turns++
	return pop(&w.list)
}

// look looks whether the writer has come to another client since the last look.
func (w *blockingWriter) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.turns > w.seen {
		w.seen = w.turns
		w.timer.Reset(blockedAfter)
		return
	}
	for c := pop(&w.list); c != nil; c = pop(&w.list) {
		go c.writeAllBlocking()
	}
}

// writeAllBlocking serves one client that a handler serves, until it has nothing pending.
func (c *client) writeAllBlocking() {
	for c.writeBatchBlocking() {
	}
	c.handler.users.Done()
}

// writeBatchBlocking writes what is pending for a client that a handler serves, and reports whether
// there may be more. It blocks until the client has read enough or is cut off.
func (c *client) writeBatchBlocking() (more bool) {
	ending := c.outbox.begin()
	batch, closed := c.outbox.next()
	if closed || batch != nil && !c.handler.write(batch) {
		c.handler.end(nil)
		return false
	}
	return ending || !c.outbox.release()
}
