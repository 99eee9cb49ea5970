// Package cluster shows the same events, of all topics, on every server, under the same IDs, through NATS
// JetStream: a client may be connected to any of them, reconnect to another, and neither
// miss nor repeat an event. A stream on NATS numbers the events and keeps the last of them;
// every server publishes to it and reads from it. [Join] makes a server a member;
// [Member.Publish] publishes an event to all, and [Member.Tick] one at each interval.
//
// While NATS is away nothing new arrives, and the streams of the clients stay open. A client
// that connects meanwhile gets, by whether it names a last event ID:
//
//   - with one, all later events, also those of the outage;
//   - without one, the events from the time on when its server has caught up, and not those that
//     the server reads while it catches up.
//
// The files, in the order in which to read them:
//
//   - cluster.go and connect.go: a member, and its connection to NATS
//   - stream.go, diff.go and subjects.go: the stream, how it may differ from ours, and the subjects of topics
//   - reader.go, backfill.go and gap.go: how the broker is fed, from where on, and which events it lacks
//   - consumer.go and pull.go: how messages are looked up and read
//   - publish.go and ticks.go: how events are published
//   - archive.go, source.go and retained.go: what a client gets from the stream that its server does not retain
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
	// URLs are separated by commas: nats, tls, or all ws or wss, with user:password@ or
	// token@ where NATS asks for it. There is no default.
	URLs string

	// Creds is the path of a credentials file. The zero value, "", is for a NATS that asks
	// for none.
	Creds string

	// Replicas is how many NATS servers store the stream, where it has to be created. NATS
	// takes 0 for 1.
	Replicas int
}

// A Member is this server's part in the cluster. [Join] returns one; the zero value is of no
// use. Its methods are safe for concurrent use.
type Member struct {
	options     Options
	broker      *sse.Broker
	connChanged chan struct{} // capacity 1: the connection was lost or established since the reader last looked

	js        atomic.Value // a jetstream.JetStream, once there is one
	connected atomic.Bool
	ready     atomic.Bool              // the broker was filled once; also true in an outage
	lastSeq   atomic.Uint64            // sequence of the newest message read, also where that is no event; 0 before the first
	given     atomic.Uint64            // sequence of the newest event given to the broker, which may not have taken it yet
	lastTick  atomic.Int64             // boundary of the last tick read: when it was due, in ns since 1970; 0 before the first
	missed    atomic.Uint64            // how many events NATS deleted before they were read
	lag       atomic.Uint64            // how many messages were still to be read, when NATS last sent one or created the consumer
	subjects  atomic.Pointer[[]string] // the stream's subjects, as last looked up; nil before that
	shared    atomic.Bool              // the stream has other subjects, too, so some of its sequences belong to no event
	created   atomic.Int64             // when the stream that is read was created, in ns since 1970; 0 before the first

	mayNotDelete atomic.Bool  // NATS has forbidden to delete a consumer
	refusedUntil atomic.Int64 // the archive creates no consumer before this time, in ns since 1970

	// Owned by read:

	lastStored time.Time // when NATS stored the newest message read
	badNames   warnOnce  // about names that are not text
	noTopics   warnOnce  // about subjects that are no topic's
	loggedDiff string    // how the stream's configuration differs from ours, as last logged
	gapAhead   bool      // the next event comes after a gap
	gaps       gapLog

	// filled says that the broker was given what the stream holds. Unlike ready, it becomes false again when the stream was
	// created again or has lost its end. While it is false the broker is being filled, and prepareFilling has set the others.
	//
	// What is lost during the filling shows in the sequences: one after fillStart is missing. Where a missing one may be another
	// subject's, or have been deleted before, fillStart is 0: then a loss shows only in that deletedOf returns another number than before.
	filled      bool
	fillStart   uint64          // the first sequence that is read, or 0
	deleted     uint64          // what deletedOf returned when the filling began
	begunTopics map[string]bool // topics of which an event was read, where not all of the stream is read; otherwise nil
}

// Stats are a member's figures.
type Stats struct {
	Connected    bool   `json:"connected"`
	LastSequence uint64 `json:"last_sequence"` // of the newest message read; 0 before the first

	// Missed is how many events the stream deleted before this server read them. Those that it deleted before this
	// server had caught up do not count. Where the stream holds other subjects, too, Missed stays 0.
	Missed uint64 `json:"missed"`

	// Lag is how many events the stream held that this server had not read, when NATS last sent it one or when
	// it last began to read. It can't grow while NATS is away, which Connected tells.
	Lag uint64 `json:"lag"`
}

// Join feeds the broker from NATS until the broker stops. Call it before the server listens, and once for a broker.
//
//   - It returns at once, also where NATS can't be reached yet; then it goes on trying.
//   - Until the history is filled, clients wait with an open stream.
//   - From then on the broker has no other source. Join closes [sse.Broker.Notifier], so a send to it panics: such
//     an event would get an ID that no other server knows. Publish with [Member.Publish].
//   - The error says what is wrong with the options. It repeats no URL, since a URL may hold a password.
func Join(broker *sse.Broker, o Options) (*Member, error) {
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
	broker.SetArchive(m.archive)
	close(broker.Notifier)
	go m.run()
	return m, nil
}

// run connects and reads until the broker stops.
func (m *Member) run() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	nc, err := m.connect()
	if err != nil {
		golog.Error("NATS: the client refuses the URLs") // err is left out: it repeats them, password and all.
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
	<-m.broker.Done()
}

// Ready reports whether this server has ever caught up with the stream: from then on clients can
// resume at it. An outage of NATS does not change that.
func (m *Member) Ready() bool { return m.ready.Load() }

// Stats returns the figures as they are now.
func (m *Member) Stats() Stats {
	return Stats{Connected: m.connected.Load(), LastSequence: m.lastSeq.Load(), Missed: m.missed.Load(), Lag: m.lag.Load()}
}

// A warnOnce logs a warning once, and again only after a reset or after another warning: otherwise what
// fails four times a second, each retryWait, would fill the log. The zero value is ready. It is not
// safe for concurrent use.
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
