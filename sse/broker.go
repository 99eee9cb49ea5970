// Package sse streams events to any number of clients of an Iris app: server-sent events as
// the WHATWG HTML Standard has them in section 9.2. A Broker is all there is to it: mount its
// ServeHTTP, send Events to its Notifier, and Shutdown in the end.
//
// To read it: event.go has the bytes on the wire, history.go what is kept of them, broker.go
// the loop that owns who is connected, offer.go who gets what, client.go
// and stream.go a client's stream from its request to its end, and writer.go how an offer gets
// into a socket.
package sse

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// heartbeatAfter is how long a stream may be silent before it gets a comment,
	// so that proxies do not take it for dead: nginx closes after 60 s of silence.
	// Section 9.2.7, "Authoring notes", suggests every 15 s or so.
	heartbeatAfter = 15 * time.Second

	// notifierRoom is how many events may wait while the broker is fanning out.
	notifierRoom = 256
)

// A Broker holds the open client connections, listens for incoming events on its
// Notifier channel, and broadcasts them to all registered connections.
//
// Each client has one slot, and what lies in it grows until it is taken: the stretch
// of the history that the client has not taken yet. So there is no queue a client, a
// client that falls behind costs nothing, and the broker never waits for one.
//
// Make one with NewBroker. Mount ServeHTTP as a handler, with Any so that it answers
// every method.
type Broker struct {
	// Notifier is where events are pushed, by any number of senders. A bare send
	// risks two things that Publish does not: once the broker has stopped it blocks
	// for ever, and what was sent in the last moment before may be lost without a
	// word. So call Publish, or select on Done too. Closing Notifier says that no
	// more events come this way: from then on a send panics.
	Notifier chan Event

	published      chan Event      // what Publish hands over; no buffer: what was sent was received
	newClients     chan *client    // new client connections, to be registered
	closingClients chan *client    // closed client connections, to be unregistered
	numbered       atomic.Bool     // Hold was called: the source numbers its events
	hold           chan hold       // whether clients are held from now on
	abort          chan chan<- int // asks to cut all clients off, and how many they were
	stop           func()          // closes done, the first time
	done           chan struct{}   // closed when Shutdown begins
	gone           chan struct{}   // closed by listen at its end: no client is left
	written        chan struct{}   // room for one: the last writer of a fan-out has ended
	writers        atomic.Int32    // how many writers of a fan-out have not ended
	logLines       chan []logLine  // room for one: what waits to be logged; listen fills and closes it
	streams        sync.WaitGroup  // the registered clients' goroutines and writeLog; listen adds to it
	stats          stats           // written by listen, read by all

	// Owned by listen:

	clients    map[*client]struct{} // the registry of client connections
	history    history              // the last events
	held       bool                 // clients wait to be placed in the history
	offered    int64                // up to where in the history there was a fan-out
	fanningOut bool                 // one is being made
	ready      *client              // list of clients for the next writer
	readied    int                  // its length
}

// NewBroker returns a Broker that is running: it accepts clients and events until
// Shutdown.
func NewBroker() *Broker {
	b := &Broker{
		Notifier:       make(chan Event, notifierRoom),
		published:      make(chan Event),
		newClients:     make(chan *client),
		closingClients: make(chan *client),
		hold:           make(chan hold),
		abort:          make(chan chan<- int),
		done:           make(chan struct{}),
		gone:           make(chan struct{}),
		written:        make(chan struct{}, 1),
		logLines:       make(chan []logLine, 1),
		clients:        make(map[*client]struct{}),
	}
	b.stop = sync.OnceFunc(func() { close(b.done) })
	// Set it running: listening and broadcasting events.
	b.streams.Go(b.writeLog)
	go b.listen()
	return b
}

var (
	// ErrStopped is what Publish returns once Shutdown has begun.
	ErrStopped = errors.New("sse: the broker has stopped")

	// ErrNoID is what Publish returns for an event without an ID where the broker's source
	// numbers its events, as Hold says. An ID of the broker's own would not fit among them.
	ErrNoID = errors.New("sse: the event has no ID, and the broker's source numbers its events")
)

// Publish gives the broker an event. It returns nil when the broker has the event for
// certain: the event goes out to every client before Shutdown ends the streams. Otherwise it
// returns ErrStopped, ErrNoID or the context's error, and no client gets the event. Publish
// is safe for concurrent use.
func (b *Broker) Publish(ctx context.Context, e Event) error {
	if e.ID == 0 && b.numbered.Load() {
		return ErrNoID
	}
	select {
	case b.published <- e:
		return nil
	case <-b.done:
		return ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}

// listen is the broker's loop. It alone owns the registry and the history, and it waits
// for nobody: it neither writes to a client nor logs, since a socket or a terminal that
// blocks would stop the stream for all.
func (b *Broker) listen() {
	defer close(b.gone)
	defer close(b.logLines)
	silence := time.NewTimer(heartbeatAfter)
	defer silence.Stop()
	// nil switches a case off.
	newClients, notifier, published, done := b.newClients, b.Notifier, b.published, b.done
	for done != nil || len(b.clients) > 0 {
		select {
		case c := <-newClients:
			b.register(c)
		case c := <-b.closingClients:
			delete(b.clients, c)
			b.stats.clients.Store(int64(len(b.clients)))
			b.log(logLine{false, len(b.clients)})
		case e, ok := <-notifier:
			if !ok {
				notifier = nil
				continue
			}
			b.add(e)
			b.fanOutNews()
			silence.Reset(heartbeatAfter)
		case e := <-published:
			b.add(e)
			b.fanOutNews()
			silence.Reset(heartbeatAfter)
		case <-b.written:
			b.fanOutNews()
		case <-silence.C:
			b.fanOut(heartbeat)
			silence.Reset(heartbeatAfter)
		case h := <-b.hold:
			b.held = h.held
			b.addWaiting()
			for c := range b.clients {
				b.place(c)
			}
			b.startWriter()
			close(h.done)
		case <-done:
			newClients, notifier, published, done = nil, nil, nil, nil
			silence.Stop()
			b.addWaiting()
			b.fanOut(nil)
			b.endStreams()
		case left := <-b.abort:
			for c := range b.clients {
				c.cut()
			}
			left <- len(b.clients)
		}
	}
}

// register puts a client that has just connected into the registry.
func (b *Broker) register(c *client) {
	b.clients[c] = struct{}{}
	b.streams.Add(1)
	b.stats.clients.Store(int64(len(b.clients)))
	b.stats.clientsEver.Add(1)
	b.place(c)
	b.startWriter()
	b.log(logLine{true, len(b.clients)})
}

// add numbers an event that has no ID, and puts it into the history.
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

// endStreams tells every client that the offer in its slot is the last, by closing it.
func (b *Broker) endStreams() {
	for c := range b.clients {
		c.dropped = true
		close(c.slot)
		b.call(c, ended)
	}
	b.startWriter()
}

// Hold keeps clients that come from now on waiting, with an open stream and heartbeats,
// until Release: for a source that has to fill the history first. Without it, a client
// that resumes would be placed in a history that does not hold its next event yet. Such a
// source numbers its events: from now on Publish refuses one without an ID.
func (b *Broker) Hold() {
	b.numbered.Store(true)
	b.sendHold(true)
}

// Release ends Hold: the clients that waited are placed in the history, behind all that
// was sent to Notifier before Release.
func (b *Broker) Release() { b.sendHold(false) }

// A hold asks listen to hold clients or not, and is done when it does.
type hold struct {
	held bool
	done chan struct{}
}

func (b *Broker) sendHold(held bool) {
	h := hold{held, make(chan struct{})}
	select {
	case b.hold <- h:
		// An event sent from now on must not count as one sent before.
		<-h.done
	case <-b.done:
	}
}

// Done returns a channel that is closed when Shutdown begins: from then on nobody
// receives from Notifier.
func (b *Broker) Done() <-chan struct{} { return b.done }

// Shutdown stops the broker: no client and no event is accepted any more, every client
// may take what is on offer, and its stream ends. Shutdown returns when all are gone.
// When ctx ends first it cuts off those that are left, and returns an error that says
// how many and wraps ctx's.
func (b *Broker) Shutdown(ctx context.Context) error {
	b.stop()
	ended := make(chan struct{})
	go func() {
		<-b.gone
		b.streams.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
	}
	left := make(chan int, 1)
	select {
	case b.abort <- left:
		if n := <-left; n > 0 {
			return fmt.Errorf("sse: cut off %d clients that did not take their last events: %w", n, ctx.Err())
		}
	case <-b.gone:
	}
	return nil
}
