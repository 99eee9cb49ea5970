package sse

import (
	"bytes"
	"sync"
	"time"

	"example.com/sse/sse/internal/transport"
)

// maxPart is how many bytes of the stream go to one client in one write: few enough that a client
// that reads 3 KB/s takes a part in 11 s, while stallTimeout is 30 s by default, and that no client makes
// the others wait for its megabytes; enough that a system call for each part costs nothing.
const maxPart = 32 << 10

const (
	// lookInterval is how long one client's turn may take before the other clients of its writer get writers of
	// their own: a thousand times what a write takes where there is room (6 µs), and a delay that nobody sees.
	lookInterval = 10 * time.Millisecond

	// maxLooks bounds how often a writer's timer fires before the other clients get writers of their own in any case:
	// clients that are each slow in their turn make the last one wait for ten times lookInterval, which nobody sees either.
	maxLooks = 10
)

// A writer is a goroutine that writes to its clients in turn, a part each, until nothing is pending
// for any of them. Where a turn takes long, which it can only where writes may block, the other clients get writers of their own.
// Its frame keeps the part that it wrote last as HTTP/1 has it, a chunk: the next client mostly gets the same part.
type writer struct {
	frame transport.Frame
	tries bool // its writes never block (Linux, without TLS): a client whose socket is full gets a writer of its own
	try   transport.TrySender
	sent  int64 // bytes of streams that were written, and not counted yet

	mu     sync.Mutex // protects what follows
	round  *round     // the round in which it is counted; nil for none, or once it has left the round
	list   *client    // the clients whose turn has not come
	served queue      // the clients that need another turn after that
	turns  int        // how many turns there were
	seen   int        // turns at the last look
	looks  int        // how often it has looked
	timer  *time.Timer
}

// serve runs a writer.
func serve(w *writer) {
	b := w.list.broker
	if !w.tries { // Otherwise no turn takes long, and a timer for each event would wake a thread of Go's scheduler.
		w.mu.Lock()
		w.timer = time.AfterFunc(lookInterval, w.look)
		w.mu.Unlock()
		defer w.timer.Stop()
	}
	var again *client
	for c := w.nextTurn(nil); c != nil; c = w.nextTurn(again) {
		if again = c; !c.writePart(w) {
			c.users.Done()
			again = nil
		}
	}
	b.countSent(w)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.leaveRound()
}

// leaveRound says that the writer's round need not wait for it any more. The mutex must be held.
func (w *writer) leaveRound() {
	w.round.done()
	w.round = nil
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

// look looks whether a client has had its turn since the last look. If none has, or after maxLooks looks, it gives
// all clients but the one whose turn it is writers of their own.
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
	w.leaveRound() // The round does not wait for the client whose turn takes long.
}

// writeAlone writes to one client until nothing is pending for it: first what a try has left of a part, if there is
// something. It blocks until the client has read enough or is cut off.
func (c *client) writeAlone(rest []byte) {
	defer c.users.Done()
	if len(rest) > 0 {
		if err := c.socket.WriteRest(rest); err != nil {
			c.fail(err)
			return
		}
		c.hasProgressed()
	}
	w := new(writer)
	for again := true; again; {
		again = c.writePart(w)
		c.broker.countSent(w)
	}
}

// writePart writes the next part of what is pending for the client, and reports whether the client
// needs another turn.
func (c *client) writePart(w *writer) (again bool) {
	if c.writing.isEmpty() {
		batch, closed := c.outbox.next()
		if closed {
			c.out.End()
			return false
		}
		c.writing = batch
	}
	// Is nothing left of the batch but the client's turn at the archive?
	if len(c.writing.bytes) == 0 && c.writing.merge != nil && c.writing.merge.replay != nil {
		replay := c.writing.merge.replay
		c.writing = batch{} // cleared before the call of hand, after which the turn's goroutine is the writer, and owns c.writing
		return !replay.hand()
	}
	if !c.writing.isEmpty() {
		part := c.writing.part(maxPart)
		rest, err := w.write(c, part)
		if err != nil {
			c.fail(err)
			return false
		}
		w.sent += int64(len(part))
		if len(rest) > 0 {
			c.users.Add(1)
			go c.writeAlone(bytes.Clone(rest)) // The frame is used for the next client.
			return false
		}
		if !c.writing.isEmpty() {
			c.hasProgressed()
			return true
		}
	}
	return !c.outbox.release()
}

// write writes a part, and returns what is left for which the client's socket had no room. A writer that does not try
// leaves nothing: its write blocks until the client has read enough or is cut off.
func (w *writer) write(c *client, part []byte) (rest []byte, err error) {
	if !w.tries {
		return nil, c.out.Write(part, &w.frame)
	}
	return w.try.Send(c.socket, part, &w.frame)
}
