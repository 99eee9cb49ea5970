package sse

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	// heartbeatInterval is how long a stream may be silent before it gets a comment, so
	// that proxies do not take it for dead: nginx closes after 60 s of silence.
	// Section 9.2.7, "Authoring notes", suggests every 15 s or so.
	heartbeatInterval = 15 * time.Second

	// notifierBuffer is how many events may wait in Notifier while the broker is busy. More
	// would be memory without a bound in bytes.
	notifierBuffer = 1
)

// A Broker holds the open client connections, listens for incoming events on its
// Notifier channel and in [Broker.Publish], and broadcasts them to all registered
// connections.
//
// A client has no queue: the broker only remembers how far into the history the client has
// been sent. So a client that falls behind costs nothing, and the broker never waits for
// one. The history is bounded and lives in memory: it is lost when the process ends.
//
// The zero Broker is not usable: create one with [NewBroker]. All methods are safe for
// concurrent use.
type Broker struct {
	// Notifier is where events are pushed, by any number of senders. A bare send
	// risks two things that Publish does not: once the broker has stopped it blocks
	// for ever, and an event sent in the last moment before may be lost without a
	// word. So call Publish, or select on Done too. Closing Notifier says that no
	// more events come this way: from then on a send panics.
	Notifier chan Event

	published      chan Event      // what Publish hands over; no buffer: what was sent was received
	newClients     chan *client    // new client connections, to be registered
	closingClients chan *client    // closed client connections, to be unregistered
	hold           chan hold       // whether clients are held from now on
	abort          chan chan<- int // asks to cut all clients off, and how many they were
	stop           func()          // closes done, the first time
	done           chan struct{}   // closed when Shutdown begins
	stopped        chan struct{}   // closed by listen at its end: no client is left
	logLines       chan logLines   // capacity 1: what waits to be logged; listen fills and closes it
	streams        sync.WaitGroup  // the registered clients' streams and writeLog; listen adds to it
	stats          stats           // written by listen, read by all
	watcher        watcher         // notices disconnects
	numbered       atomic.Bool     // Hold was called: the source numbers its events

	// Owned by listen:

	clients   []*client   // the registry of client connections
	history   history     // the recent events
	held      bool        // clients wait to be placed in the history
	unplaced  int         // how many clients have no position in the history yet
	overdue   *time.Timer // fires when a client has waited enough for an event that is not there
	overdueAt time.Time   // when that is; zero where nobody waits
	fannedOut int64       // the history's position up to which the last fan-out went
	writers   writers     // the goroutines that write for all clients
}

// NewBroker returns a Broker that is running: it accepts clients and events until
// [Broker.Shutdown].
func NewBroker() *Broker {
	b := &Broker{
		Notifier:       make(chan Event, notifierBuffer),
		published:      make(chan Event),
		newClients:     make(chan *client),
		closingClients: make(chan *client),
		hold:           make(chan hold),
		abort:          make(chan chan<- int),
		done:           make(chan struct{}),
		stopped:        make(chan struct{}),
		logLines:       make(chan logLines, 1),
		overdue:        time.NewTimer(maxAhead),
		writers:        newWriters(),
	}
	b.stop = sync.OnceFunc(func() { close(b.done) })
	// Set it running: listening and broadcasting events.
	b.streams.Go(b.writeLog)
	go b.listen()
	return b
}

// listen is the broker's loop. It alone owns the registry and the history, and it waits
// for nobody: it neither writes to a client nor logs, since a socket or a terminal that
// blocks would stop the stream for all. TestBlockedLogDoesNotStopTheStream and
// TestClientThatNeverReadsDelaysNobodyAndIsCutOff guard this rule.
func (b *Broker) listen() {
	defer close(b.stopped)
	defer close(b.logLines)
	defer b.watcher.close()
	silence := time.NewTimer(heartbeatInterval)
	defer silence.Stop()
	b.overdue.Stop() // Nobody waits yet.
	// nil switches a case off.
	newClients, notifier, published, done := b.newClients, b.Notifier, b.published, b.done
	for done != nil || len(b.clients) > 0 {
		select {
		case c := <-newClients:
			b.register(c)
		case c := <-b.closingClients:
			b.unregister(c)
		case e, ok := <-notifier:
			if !ok {
				notifier = nil // Its senders have closed it.
				continue
			}
			b.addAndFanOut(e, silence)
		case e := <-published:
			b.addAndFanOut(e, silence)
		case <-b.writers.roundEnded:
			b.maybeFanOut()
		case <-silence.C:
			b.fanOut(heartbeat)
			silence.Reset(heartbeatInterval)
		case <-b.overdue.C:
			b.overdueAt = time.Time{}
			b.fanOut(nil)
		case h := <-b.hold:
			b.held = h.held
			b.addWaiting()
			b.fanOut(nil)
			close(h.done)
		case <-done:
			newClients, notifier, published, done = nil, nil, nil, nil
			silence.Stop()
			b.addWaiting()
			b.fanOut(nil)
			b.endStreams()
		case left := <-b.abort:
			newClients = nil // Nobody may join after all were cut off.
			for _, c := range b.clients {
				c.cutOff()
			}
			left <- len(b.clients)
		}
	}
}

// register puts a client that has just connected into the registry. That is a slice and no map, so
// that clients are written to in the order in which they came: what each of them needs lies side by
// side in memory then, here and in the kernel, and an event takes a tenth less CPU.
func (b *Broker) register(c *client) {
	c.index = len(b.clients)
	b.clients = append(b.clients, c)
	b.streams.Add(1)
	b.stats.clients.Store(int64(len(b.clients)))
	b.stats.clientsTotal.Add(1)
	b.log(logLine{true, len(b.clients)})
	b.unplaced++
	now := time.Now()
	b.place(c, now)
	b.enqueue(c, now, nil)
	if c.outbox.wake() { // It has missed nothing, so only its head is to be written.
		b.writers.add(c)
	}
	b.writers.startAside()
}

// unregister removes a client whose connection has ended from the registry.
func (b *Broker) unregister(c *client) {
	last := len(b.clients) - 1
	b.clients[c.index] = b.clients[last]
	b.clients[c.index].index = c.index
	b.clients[last] = nil
	b.clients = b.clients[:last]
	if !c.cursor.placed {
		b.unplaced--
	}
	b.stats.clients.Store(int64(len(b.clients)))
	b.log(logLine{false, len(b.clients)})
}

// addAndFanOut adds an event and puts the next heartbeat off, which only clients that have no
// position in the history need: they do not get the event.
func (b *Broker) addAndFanOut(e Event, silence *time.Timer) {
	b.add(e)
	b.maybeFanOut()
	if b.unplaced == 0 {
		silence.Reset(heartbeatInterval)
	}
}

// add numbers an event that has no ID, and appends it to the history.
func (b *Broker) add(e Event) {
	if e.ID == 0 {
		e.ID = max(time.Now().UnixMicro(), b.history.lastID+1)
	}
	b.history.add(e)
	b.stats.events.Add(1)
}

// addWaiting adds the events that wait in Notifier.
func (b *Broker) addWaiting() {
	for range len(b.Notifier) {
		if e, ok := <-b.Notifier; ok {
			b.add(e)
		}
	}
}

// endStreams closes every client's outbox: what is pending is the last that the client gets.
func (b *Broker) endStreams() {
	for _, c := range b.clients {
		c.finished = true
		if c.outbox.close() {
			b.writers.add(c)
		}
	}
	b.writers.start()
}
