package sse

import (
	"sync/atomic"
	"time"
)

const (
	// clientsPerWriter is how many clients one goroutine of a round writes to: enough that starting
	// it costs nothing, few enough that all cores share a fan-out.
	clientsPerWriter = 64

	// clientsPerBlockingWriter is the same for clients to which a write may block: those over TLS or HTTP/2, and all
	// where there is no epoll. Each writer at work has a stack, so a number larger than 64 saves half a KiB a client.
	clientsPerBlockingWriter = 256

	// fewWriters is how many writers for topics with few clients may be at work before the next round waits for all of them
	// to end. Where there are fewer, to start one more costs less than to be woken by the end of the others.
	fewWriters = 4

	// maxRound is how long the events that come during a round may wait for its end: far longer than a round
	// takes, so it bounds only the harm of a round whose writers never end.
	maxRound = 200 * time.Millisecond
)

// writers start the short-lived goroutines that write to all clients. Only listen calls their methods. The zero value is
// not usable: see newWriters.
type writers struct {
	lanes    [2]lane // the rounds of clients whose sockets are tried: a try never blocks
	blocking queue   // the clients for the next writer whose writes may block; no lane waits for that writer
	round    *round  // the round of the fan-out that is going on, in which started writers are counted; nil counts nothing
}

// A lane has the rounds of one kind of topic: those with few subscriptions need not wait for those with many.
type lane struct {
	topics  []*topic        // what is to be fanned out when the round has ended
	since   time.Time       // when the first event of these topics came that was not fanned out
	queue   queue           // the clients for the round's next writer
	running *runningWriters // the writers of the rounds that have not ended
	enough  int32           // with so many of them at work, the lane is busy: the next round waits
	ended   chan struct{}   // capacity 1: the last of the writers, which listen awaits, has ended
}

// runningWriters are the writers of a lane's rounds that have not ended, without those whose writes may block: a [round] counts
// these, too, but no lane waits for them. The last of them to end wakes listen only where listen awaits that: mostly no
// event has come meanwhile, and to wake a goroutine takes as much CPU as to write to a client.
type runningWriters struct {
	n       atomic.Int32
	awaited atomic.Bool
}

// The lanes.
const (
	few  = iota // of topics with no more subscriptions than one writer has clients, and of one client that gets its place
	many        // of all others, and of what goes to clients whatever their topics: heartbeats, and the ends of streams
)

func newWriters() (w writers) {
	for i := range w.lanes {
		w.lanes[i].running, w.lanes[i].ended = new(runningWriters), make(chan struct{}, 1)
	}
	w.lanes[few].enough, w.lanes[many].enough = fewWriters, 1
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
	if c.socket != nil && c.socket.Tries() {
		if l.queue.add(c) == clientsPerWriter {
			l.start(w.round)
		}
	} else if w.blocking.add(c) == clientsPerBlockingWriter {
		w.startBlocking()
	}
}

// start starts writers for the clients queued so far.
func (w *writers) start() {
	for i := range w.lanes {
		w.lanes[i].start(w.round)
	}
	w.startBlocking()
}

// startBlocking starts a writer whose writes may block, and for which no lane waits.
func (w *writers) startBlocking() {
	if list := w.blocking.take(); list != nil {
		go serve(&writer{list: list, round: w.round.join()})
	}
}

// start starts a writer as a part of the lane's round.
func (l *lane) start(r *round) {
	list := l.queue.take()
	if list == nil {
		return
	}
	running := l.running
	running.n.Add(1)
	w := &writer{list: list, tries: true, round: r.join()}
	go func() {
		serve(w)
		running.done(l.ended)
	}()
}

// done says that a writer has ended.
func (r *runningWriters) done(ended chan<- struct{}) {
	if r.n.Add(-1) == 0 && r.awaited.Swap(false) {
		select {
		case ended <- struct{}{}:
		default: // What an earlier round has put there will wake listen.
		}
	}
}

// busy tells whether the next round has to wait.
func (l *lane) busy() bool { return l.running.n.Load() >= l.enough }

// notifyIfBusy tells whether the next round has to wait, as busy does, and does not wait itself. If so, the lane's
// ended receives something when the last of the writers has ended.
func (l *lane) notifyIfBusy() bool {
	if !l.busy() {
		return false
	}
	l.running.awaited.Store(true)
	if l.busy() {
		return true
	}
	l.running.awaited.Store(false) // The last writer has ended meanwhile, perhaps before awaited was set.
	return false
}

// abandonRound has the lane count as not busy, although the writers of its round have not ended.
func (l *lane) abandonRound() { l.running = new(runningWriters) }
