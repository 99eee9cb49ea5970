package sse

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"example.com/sse/sse/internal/transport"
)

// notifierBuffer is how many events may wait in Notifier while the broker is busy. More
// would be memory without a bound in bytes.
const notifierBuffer = 1

// A Broker holds the open client connections, listens for incoming events on its
// Notifier channel and in [Broker.Publish], and sends each to the registered connections
// that have its topic: by default all events and all connections have the default topic.
//
// A client has no queue: the broker only remembers how far into its topics' histories, the recent
// events, the client has been sent. So a client that falls behind costs nothing, and the broker never waits for
// one. The histories are bounded in all and live in memory: they are lost when the process ends.
//
// The zero Broker is not usable: create one with [NewBroker]. All methods are safe for
// concurrent use.
type Broker struct {
	// Notifier is where events are pushed, by any number of senders. A bare send
	// risks two things that Publish does not: once the broker has stopped it blocks
	// for ever, and an event sent just before that may be lost without an error.
	// So call Publish, or select on Done too. Closing Notifier says that no
	// more events come this way: from then on a send panics.
	Notifier chan Event

	options        Options                 // with its defaults
	heartbeatEvent []byte                  // a heartbeat for those who want to see it
	began          time.Time               // what client.progress counts from
	published      chan Event              // what Publish hands over; listen takes all of it before it stops
	publishing     sync.RWMutex            // held for reading by Publish, so that nothing is sent to published once done is closed
	newClients     chan registration       // new client connections, to be registered
	closingClients chan *client            // closed client connections, to be unregistered
	endingClients  chan *client            // clients whose streams are to end
	holdRequests   chan hold               // whether clients are held from now on
	abortRequests  chan chan<- int         // asks listen to cut off all clients, and to answer how many there were
	stop           func()                  // closes done, the first time
	done           chan struct{}           // closed when Shutdown begins
	stopped        chan struct{}           // closed by listen at its end: no client is left
	logLines       chan logLines           // capacity 1: what waits to be logged; listen fills and closes it
	streams        sync.WaitGroup          // the registered clients' streams, the turns at the archive, and writeLog; only New and listen add to it
	stats          stats                   // written by listen, the writers and the turns at the archive; read by all
	watcher        transport.Watcher       // makes sockets, and notices disconnects
	drain          drain                   // ends the streams one after another
	archive        atomic.Pointer[Archive] // what has the events for longer
	replayEnds     chan *replay            // turns at the archive that have ended
	numbered       atomic.Bool             // Hold was called: the source numbers its events

	// Owned by listen:

	clients           []*client   // the registry of client connections
	topics            topics      // who gets what, and the recent events
	heartbeats        heartbeats  // when each client is to get its next heartbeat
	held              bool        // clients wait to be placed in the histories
	filled            bool        // there was a Release: what the source had before is in the histories
	waiting           []*client   // the clients that have no place yet, and some that have left since
	unplaced          int         // how many of these have not left
	replays           replays     // the clients that the archive has something for
	aheadTimer        *time.Timer // fires when a client has waited long enough for an event that has not come
	aheadUntil        time.Time   // when that is; zero where no client waits
	writers           writers     // the goroutines that write to all clients: a lane for topics with few clients, one for those with many
	roundTimer        *time.Timer // fires when events have waited as long as maxRound for a round, the writers of earlier events, to end
	deferred          bool        // events wait for the end of a round
	addedBeforeUnsent int64       // topics.added, a number of bytes, as it was before the first event that waits to be fanned out
}

// NewBroker returns a Broker with the zero [Options] that is running: it accepts clients and
// events until [Broker.Shutdown].
func NewBroker() *Broker { return New(Options{}) }

// New is [NewBroker] with options.
func New(options Options) *Broker {
	b := &Broker{
		Notifier:       make(chan Event, notifierBuffer),
		options:        options.withDefaults(),
		began:          time.Now(),
		published:      make(chan Event, publishedBuffer),
		newClients:     make(chan registration),
		closingClients: make(chan *client),
		endingClients:  make(chan *client),
		holdRequests:   make(chan hold),
		abortRequests:  make(chan chan<- int),
		replayEnds:     make(chan *replay),
		done:           make(chan struct{}),
		stopped:        make(chan struct{}),
		logLines:       make(chan logLines, 1),
		drain:          newDrain(),
		aheadTimer:     newStoppedTimer(),
		roundTimer:     newStoppedTimer(),
		writers:        newWriters(),
	}
	b.topics = newTopics(b.options.History)
	b.heartbeats.interval = b.options.Heartbeat
	b.replays.max = maxReplays
	b.watcher.UserTimeout = b.userTimeout()
	b.heartbeatEvent = fmt.Appendf(nil, "event: heartbeat\ndata: %d\n\n", b.options.Heartbeat.Milliseconds())
	b.stop = sync.OnceFunc(func() {
		b.publishing.Lock() // Publish holds it only until listen, which never waits, has taken an event.
		defer b.publishing.Unlock()
		close(b.done)
	})
	// Set it running: listening and broadcasting events.
	b.streams.Go(b.writeLog)
	go b.listen()
	return b
}

// listen is the broker's loop. It alone owns the registry and the histories, and it waits
// for nobody: it neither writes to a client nor logs, since a socket or a terminal that
// blocks would stop the stream for all. TestBlockedLogDoesNotStopTheStream and
// TestClientThatNeverReadsDelaysNobodyAndIsCutOff guard this rule.
func (b *Broker) listen() {
	defer close(b.stopped)
	defer close(b.logLines)
	defer b.watcher.Close()
	wheel := time.NewTicker(b.heartbeats.stepEvery())
	defer wheel.Stop()
	// A nil channel is never ready: that is how a case is switched off below.
	newClients, notifier, published, done := b.newClients, b.Notifier, b.published, b.done
	for done != nil || len(b.clients) > 0 {
		select {
		case c := <-newClients:
			b.register(c)
		case c := <-b.closingClients:
			b.unregister(c)
		case c := <-b.endingClients:
			b.endStream(c)
			b.writers.start()
		case e, ok := <-notifier:
			if !ok {
				notifier = nil // Its senders have closed it.
				continue
			}
			b.addAndFanOut(e)
		case e := <-published:
			b.addAndFanOut(e)
		case r := <-b.replayEnds:
			b.replayEnded(r)
		case <-b.writers.lanes[few].ended:
			b.roundEnded(&b.writers.lanes[few])
		case <-b.writers.lanes[many].ended:
			b.roundEnded(&b.writers.lanes[many])
		case <-b.roundTimer.C:
			b.abandonRounds()
		case <-wheel.C:
			b.keepAlive()
		case <-b.aheadTimer.C:
			b.aheadUntil = time.Time{}
			b.fanOutAll()
		case h := <-b.holdRequests:
			b.catchUp()
			b.held = h.held
			b.filled = b.filled || !h.held
			b.addBuffered() // What was sent to Notifier before Release is not new to the clients that Release places.
			b.fanOutAll()   // Clients that were placed only after the next event was added would miss that event.
			close(h.done)
		case over := <-b.drain.requests:
			newClients = nil
			b.beginDraining(over)
		case <-b.drain.timer.C:
			b.endDue()
		case <-done:
			newClients, notifier, published, done = nil, nil, nil, nil
			wheel.Stop()
			b.catchUp()
			b.addBuffered()
			b.fanOutAll()
			for _, c := range b.clients {
				b.endStream(c)
			}
			b.writers.start()
		case left := <-b.abortRequests:
			newClients = nil // Shutdown's context may end before this loop has seen done.
			for _, c := range b.clients {
				c.cutOff()
			}
			left <- len(b.clients)
		}
	}
}

// register puts a client that has just connected into the registry. The registry is a slice and no map, so
// that clients that connected one after the other are mostly written to one after the other: what they need
// lies side by side in memory, here and in the kernel, and an event takes a tenth less CPU.
func (b *Broker) register(n registration) {
	b.catchUp()
	c := n.client
	c.index = len(b.clients)
	b.clients = append(b.clients, c)
	b.streams.Add(1)
	b.stats.clients.Store(int64(len(b.clients)))
	b.stats.clientsTotal.Add(1)
	b.log(logLine{true, len(b.clients)})
	b.topics.subscribe(c, n.topics)
	b.heartbeats.add(c, b.heartbeats.interval)
	c.since = time.Now()
	b.placeOrWait(c, c.since)
	b.stats.topics.Store(int64(len(b.topics.byName)))
	close(n.done)
}

// unregister removes a client whose connection has ended from the registry.
func (b *Broker) unregister(c *client) {
	last := len(b.clients) - 1
	b.clients[c.index] = b.clients[last]
	b.clients[c.index].index = c.index
	b.clients[last] = nil
	b.clients = b.clients[:last]
	c.index = gone
	b.heartbeats.remove(c)
	b.topics.unsubscribe(c)
	b.stats.topics.Store(int64(len(b.topics.byName)))
	b.leaveReplays(c)
	if c.isWaiting {
		b.unplaced--
		b.forgetWaiters()
	}
	b.stats.clients.Store(int64(len(b.clients)))
	b.stats.disconnects[c.reason()].Add(1)
	b.log(logLine{false, len(b.clients)})
	c.hasEnded()
}
