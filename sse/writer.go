package sse

import (
	"bytes"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// clientsPerWriter is how many clients one goroutine of a round writes to: enough that starting
	// it costs nothing, few enough that all cores share a fan-out.
	clientsPerWriter = 64

	// clientsPerTurns is the same where a write may block, and is therefore made by crypto/tls or
	// net/http. The fewer writers at once, the less memory their stacks take: half a KiB a client.
	clientsPerTurns = 256

	// lookInterval is how long one client's turn may take before the other clients of its writer get
	// writers of their own: far longer than a turn takes on a busy machine, and a delay that nobody sees.
	lookInterval = 10 * time.Millisecond

	// maxLooks bounds how often a writer may be looked at, and with it how long clients that are
	// each slow in turn can make the last one wait: ten times lookInterval.
	maxLooks = 10

	// maxRound is how long the events that come during a round may wait for its end. It bounds what a
	// round could do whose writers did not behave as they should, and is far longer than rounds take.
	maxRound = 200 * time.Millisecond
)

// writers start the short-lived goroutines that write to all clients. Its methods are called by
// listen alone. The zero value is not usable: see newWriters.
type writers struct {
	lanes [2]lane // the rounds of clients whose sockets are tried, which never blocks
	turns queue   // the clients for the next writer that may block; no round waits for it
}

// A lane is the rounds of one kind of topic: those with few subscriptions need not wait for those with many.
type lane struct {
	topics  []*topic      // what is to be fanned out when the round has ended
	queue   queue         // the clients for the round's next writer
	running *atomic.Int32 // the writers of the round that have not ended
	ended   chan struct{} // capacity 1: the last writer of a round has ended
}

// The lanes.
const (
	few  = iota // of topics with no more subscriptions than one writer has clients
	many        // of all others, and of heartbeats
)

func newWriters() (w writers) {
	for i := range w.lanes {
		w.lanes[i].running, w.lanes[i].ended = new(atomic.Int32), make(chan struct{}, 1)
	}
	return w
}

// A queue is a list of clients. The last that was added is the first.
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
func (w *writers) add(c *client, l *lane) {
	c.users.Add(1)
	if c.socket != nil && c.socket.tries {
		if l.queue.add(c) == clientsPerWriter {
			l.start()
		}
	} else if w.turns.add(c) == clientsPerTurns {
		w.startTurns()
	}
}

// start starts writers for the clients queued so far.
func (w *writers) start() {
	for i := range w.lanes {
		w.lanes[i].start()
	}
	w.startTurns()
}

// startTurns starts a writer that no round waits for.
func (w *writers) startTurns() {
	if list := w.turns.take(); list != nil {
		go serve(&writer{list: list})
	}
}

// start starts a writer as a part of the lane's round.
func (l *lane) start() {
	list := l.queue.take()
	if list == nil {
		return
	}
	running := l.running
	running.Add(1)
	go func() {
		serve(&writer{list: list, tries: true})
		if running.Add(-1) == 0 {
			select {
			case l.ended <- struct{}{}:
			default: // listen has not heard of the last time yet.
			}
		}
	}()
}

// busy tells whether a round is under way.
func (l *lane) busy() bool { return l.running.Load() > 0 }

// abandonRound has nobody wait any longer for the round that is under way.
func (l *lane) abandonRound() { l.running = new(atomic.Int32) }

// A writer is a goroutine that writes to its clients in turn, a part each, until nothing is pending
// for any of them. Where a turn takes long, the other clients get writers of their own.
type writer struct {
	frame frame
	tries bool // the clients' sockets are tried: a full one is left to a goroutine of its own
	try   tryWriter

	mu     sync.Mutex // protects what follows
	list   *client    // the clients whose turn has not come
	served queue      // the clients that need another turn after that
	turns  int        // how many there were
	seen   int        // how many of those look has seen
	looks  int        // how often it has looked
	timer  *time.Timer
}

// serve runs a writer.
func serve(w *writer) {
	w.mu.Lock()
	w.timer = time.AfterFunc(lookInterval, w.look)
	w.mu.Unlock()
	defer w.timer.Stop()
	var again *client
	for c := w.nextTurn(nil); c != nil; c = w.nextTurn(again) {
		if again = c; !c.writePart(w) {
			c.users.Done()
			again = nil
		}
	}
}

// nextTurn returns the client whose turn it is, or nil at the end. The client that had the turn
// before and needs another one, if it does, comes after all others.
func (w *writer) nextTurn(again *client) *client {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.turns++
	if again != nil {
		w.served.add(again)
	}
	if w.list == nil {
		w.list = w.served.take()
	}
	return pop(&w.list)
}

// look looks whether another client has had its turn since the last look.
func (w *writer) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looks++
	if w.turns > w.seen && w.looks < maxLooks {
		w.seen = w.turns
		w.timer.Reset(lookInterval)
		return
	}
	for _, list := range []*client{w.list, w.served.take()} {
		for c := pop(&list); c != nil; c = pop(&list) {
			go c.writeAlone(nil)
		}
	}
	w.list = nil
}

// writeAlone writes to one client until nothing is pending for it: first the rest of a chunk, if
// there is one. It blocks until the client has read enough or is cut off.
func (c *client) writeAlone(chunk []byte) {
	defer c.users.Done()
	if len(chunk) > 0 {
		if _, err := c.socket.conn.Write(chunk); err != nil {
			c.out.cutOff()
			return
		}
		c.hasProgressed()
	}
	w := new(writer)
	for c.writePart(w) {
	}
}

// writePart writes the next part of what is pending for the client, and reports whether the client
// needs another turn.
func (c *client) writePart(w *writer) (again bool) {
	if c.writing.isEmpty() {
		batch, closed := c.outbox.next()
		if closed {
			c.out.end()
			return false
		}
		c.writing = batch
	}
	if !c.writing.isEmpty() {
		left, err := w.write(c, c.writing.part())
		if err != nil {
			c.out.cutOff()
			return false
		}
		if len(left) > 0 {
			c.users.Add(1)
			go c.writeAlone(bytes.Clone(left))
			return false
		}
		if !c.writing.isEmpty() {
			c.hasProgressed()
			return true
		}
	}
	return !c.outbox.release()
}

// write writes a part, and returns what of its chunk the client's socket had no room for. Only a
// writer that does not try blocks instead, until the client has read enough or is cut off.
func (w *writer) write(c *client, part []byte) (left []byte, err error) {
	if !w.tries {
		return nil, c.out.write(part, &w.frame)
	}
	chunk := c.socket.framed(part, &w.frame)
	n, err := w.try.write(c.socket, chunk)
	return chunk[n:], err
}
