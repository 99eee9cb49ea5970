// Package cluster shows the same events on every server, under the same IDs, through NATS
// JetStream: a client may be connected to any of them, reconnect to another, and neither
// miss nor repeat an event. A stream on NATS numbers the events and keeps the last of them;
// every server publishes to it and reads from it.
//
// While NATS is away nothing new arrives, and the streams of the clients stay open. A client
// that connects meanwhile without a last event ID gets the events from the time on when its
// server has caught up: it never sees those that were published during the outage and that its
// server reads while it catches up. A client that names its last event ID gets these, too.
package cluster

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"example.com/sse/sse"

	"github.com/kataras/golog"
	"github.com/nats-io/nats.go/jetstream"
)

// Options say where NATS is.
type Options struct {
	URLs     string // comma-separated, with user:password@ or token@ where NATS wants it
	Creds    string // a credentials file, or ""
	Replicas int    // of the stream, should it have to be made; at least 1
}

// A Member is this server's part in it.
type Member struct {
	options     Options
	broker      *sse.Broker
	connChanged chan struct{} // room for one: the connection was lost or made since the reader last looked

	js        atomic.Value // a jetstream.JetStream, once there is one
	connected atomic.Bool
	ready     atomic.Bool   // the broker's history was filled; never false again
	lastSeq   atomic.Uint64 // sequence of the newest event read; 0 before the first
	lastTick  atomic.Int64  // boundary of the last tick read, in ns since 1970; 0 before the first

	// Owned by read:

	created    time.Time // when the stream that is read was created; zero before the first
	lastStored time.Time // when NATS stored the newest event read
	loggedDiff string    // between the stream's configuration and ours, as last logged
}

// Stats are a Member's figures.
type Stats struct {
	Connected    bool   `json:"connected"`
	LastSequence uint64 `json:"last_sequence"` // of the newest event read
}

// Join feeds the broker from NATS until the broker stops, and publishes what payload returns
// for each tick: a multiple of the interval since 1970. It returns at once, also where NATS is
// not there yet, and goes on trying; until the history is filled, clients wait. So call Join
// before the server listens, once for a broker: it has no other source from then on. Join closes
// [sse.Broker.Notifier], where an event would get an ID that no other server knows, so a send
// panics; publish with [Member.Publish]. Join's error says what is wrong with the options, and
// repeats no URL, since that may hold a password.
func Join(broker *sse.Broker, interval time.Duration, payload func(time.Time) []byte, o Options) (*Member, error) {
	if err := checkURLs(o.URLs); err != nil {
		return nil, err
	}
	if o.Creds != "" {
		if _, err := os.ReadFile(o.Creds); err != nil {
			return nil, fmt.Errorf("credentials: %w", err)
		}
	}
	m := &Member{options: o, broker: broker, connChanged: make(chan struct{}, 1)}
	broker.Hold()
	close(broker.Notifier)
	go m.run(interval, payload)
	return m, nil
}

// run connects, reads and ticks until the broker stops.
func (m *Member) run(interval time.Duration, payload func(time.Time) []byte) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	nc, err := m.connect()
	if err != nil {
		golog.Error("NATS: the URLs do not go together") // The error repeats them.
		return
	}
	defer nc.Close()
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(requestTimeout))
	if err != nil {
		golog.Errorf("NATS: %v", err)
		return
	}
	m.js.Store(js)
	go m.read(ctx, nc, js)
	go (&ticker{member: m, nc: nc, js: js, interval: interval, payload: payload}).run(ctx)
	<-m.broker.Done()
}

// Ready tells whether this server has ever read all that NATS held for it: from then on it
// can resume clients.
func (m *Member) Ready() bool { return m.ready.Load() }

// Stats returns the current figures.
func (m *Member) Stats() Stats {
	return Stats{Connected: m.connected.Load(), LastSequence: m.lastSeq.Load()}
}

// A warnOnce is logged once and not again until it is settled or another takes its place:
// what is tried four times a second would fill the log.
type warnOnce struct {
	last string
}

func (w *warnOnce) warn(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); text != w.last {
		w.last = text
		golog.Warn(text)
	}
}

func (w *warnOnce) reset() { w.last = "" }
