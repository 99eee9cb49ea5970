package sse

import (
	"time"

	"github.com/kataras/golog"
)

// Options are what an app can set of a [Broker]. The zero value is what [NewBroker] uses.
type Options struct {
	// History bounds the recent events of all topics that the broker retains in memory, in bytes as they
	// are on the wire, with 64 more for each event, and 300 and its name for each topic that retains one.
	// Zero means [DefaultHistory].
	//
	//   - Retained are the window, which is the last events of all topics, and what is kept of quiet topics:
	//     of the events that have left the window the last ten of each topic, in at most half of the bound.
	//     The newest event is always retained, however large it is.
	//   - A client is cut off when an event of its topics is evicted that it has not been sent.
	//   - Memory is taken only as events come: twice the bound once that is reached, and several times as
	//     much while many events come, until Go's garbage collector has caught up.
	History int

	// Heartbeat is how long a stream may be silent before it gets a comment, so that neither a proxy
	// nor a client takes it for dead. A client whose connection takes nothing for twice as long,
	// although something is pending, is cut off. Set it below the read timeouts of
	// all clients and proxies. Zero means [DefaultHeartbeat]; less than [MinHeartbeat] counts
	// as that.
	Heartbeat time.Duration

	// Log is where the broker says which clients come and go, and what goes wrong. The broker
	// never waits for it. Nil means golog's default logger.
	Log Logger
}

const (
	// DefaultHistory is [Options.History] where that is zero: some 100,000 events of the demo. A larger
	// one takes longer to be moved in memory, which is when the broker's loop does nothing else.
	DefaultHistory = 16 << 20

	// DefaultHeartbeat is [Options.Heartbeat] where that is zero: WHATWG HTML, section 9.2.7, "Authoring
	// notes", suggests it, and nginx closes after 60 s of silence.
	DefaultHeartbeat = 15 * time.Second

	// MinHeartbeat is the least that [Options.Heartbeat] can be: a client that is merely busy for a
	// moment must not count as stalled.
	MinHeartbeat = time.Second
)

// withDefaults returns the options with what is zero replaced by its default.
func (o Options) withDefaults() Options {
	if o.History <= 0 {
		o.History = DefaultHistory
	}
	if o.Heartbeat <= 0 {
		o.Heartbeat = DefaultHeartbeat
	}
	o.Heartbeat = max(o.Heartbeat, MinHeartbeat)
	if o.Log == nil {
		o.Log = golog.Default
	}
	return o
}

// Options returns what the broker was created with, with defaults in place of zeros. A source that loads events learns from
// Options how many bytes the broker retains.
func (b *Broker) Options() Options { return b.options }

// stallTimeout is how long a client's connection may take nothing, although something is pending,
// before the client counts as stalled and is cut off: two heartbeats. The broker looks at it when
// there is something to send, instead of with a write deadline or a timer for each event, for
// which every client that keeps up would pay.
func (b *Broker) stallTimeout() time.Duration { return 2 * b.options.Heartbeat }

// userTimeout is how long a client's network may be silent to what was sent before the kernel takes
// the connection for dead: 10 s longer than stallTimeout, so that the broker is first to notice a client
// that is there but does not read.
func (b *Broker) userTimeout() time.Duration { return b.stallTimeout() + 10*time.Second }
