package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"example.com/sse/sse"

	"github.com/kataras/golog"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// fill is how many of the last events a server reads when it starts.
	fill = 4096

	// requestTimeout is how long NATS has to answer. While the stream has no leader
	// it does not.
	requestTimeout = 2 * time.Second

	// retryWait is the time between tries to read.
	retryWait = 250 * time.Millisecond

	// heartbeats come from NATS where there is no message; after two that did not come,
	// the consumer is taken for lost.
	heartbeats = time.Second

	// maxInFlight is how many messages may be on their way from NATS: 64 MiB of the largest
	// that NATS takes by default, and still some 100,000 of the demo's a second.
	maxInFlight = 64
)

var errGap = errors.New("messages were lost on the way")

// read sends the broker what the stream holds and gets, until ctx ends. The consumer lives in
// the memory of one NATS server, which may die: anything strange, and another one begins
// behind the last event. (jetstream.OrderedConsumer does the like, but waits too long
// after a node is lost.)
func (c *Cluster) read(ctx context.Context, nc *nats.Conn, js jetstream.JetStream) {
	var trouble complaint
	for ctx.Err() == nil {
		connection, startOver := context.WithCancel(ctx)
		go func() {
			select {
			case <-c.changed:
				startOver()
			case <-connection.Done():
			}
		}()
		err := c.consume(connection, js, &trouble)
		startOver()
		// Another server may be ahead of this one now, and clients come from it with IDs
		// that are from the future here: they wait until this one has caught up.
		c.broker.Hold()
		if errors.Is(err, context.Canceled) {
			continue
		}
		if nc.IsConnected() {
			trouble.make("NATS: reading again: %v", err)
		}
		select {
		case <-time.After(retryWait):
		case <-c.changed:
		case <-ctx.Done():
		}
	}
}

// consume reads on behind the last event, with a consumer of its own. It returns when that
// cannot be relied on any more.
func (c *Cluster) consume(ctx context.Context, js jetstream.JetStream, trouble *complaint) error {
	stream, err := c.openStream(ctx, js)
	if err != nil {
		return err
	}
	state := stream.CachedInfo().State
	last := c.last.Load()
	start := startAt(state, last)
	if last > 0 && start <= last {
		golog.Warnf("NATS: the stream ends at %d, before the last event read, %d: was it made again?", state.LastSeq, last)
	} else if last > 0 && state.FirstSeq > start {
		golog.Warnf("NATS: the stream begins at %d: what it held behind %d was not read", state.FirstSeq, last)
	}
	if c.stuck {
		// An empty message with a header "Status" looks to nats.go like one of NATS itself,
		// and does not come through a consumer.
		if msg, err := stream.GetMsg(ctx, start, jetstream.WithGetMsgSubject(subject)); err == nil {
			c.pass(ctx, msg.Sequence, msg.Time, msg.Header, msg.Data)
			start = msg.Sequence + 1
		}
	}
	consumer, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:   start,
		FilterSubject: subject,
		AckPolicy:     jetstream.AckNonePolicy,
		MemoryStorage: true,
		Replicas:      1,
	})
	if err != nil {
		return fmt.Errorf("consumer: %w", err)
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(maxInFlight), jetstream.PullHeartbeat(heartbeats))
	if err != nil {
		return fmt.Errorf("consumer: %w", err)
	}
	defer messages.Stop()
	pending := consumer.CachedInfo().NumPending
	c.stuck = pending > 0
	behind := true
	for n := uint64(1); ; n++ {
		if behind && (pending == 0 || c.last.Load() >= state.LastSeq) {
			behind = false
			c.ready.Store(true)
			c.broker.Release()
		}
		msg, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return err
		}
		meta, err := msg.Metadata()
		if err != nil {
			return err
		}
		if meta.Sequence.Consumer != n {
			return errGap
		}
		c.pass(ctx, meta.Sequence.Stream, meta.Timestamp, msg.Headers(), msg.Data())
		if ctx.Err() != nil {
			return ctx.Err() // It was not passed, perhaps.
		}
		pending = meta.NumPending
		c.stuck = false
		trouble.settle()
	}
}

// startAt returns the sequence to read from, with last the sequence of the newest event read,
// or 0. A stream that ends before it was made again or has lost its end, and begins anew: a
// consumer that starts behind the stream's end is no error, and gets nothing for ever.
func startAt(state jetstream.StreamState, last uint64) uint64 {
	if last > 0 && last <= state.LastSeq {
		return last + 1
	}
	if state.LastSeq < fill {
		return max(state.FirstSeq, 1)
	}
	return max(state.FirstSeq, state.LastSeq-fill+1)
}

// pass gives the broker a message, unless it had it: where the stream seemed to begin anew, a
// sequence that is not new is a new event only if it was stored later. (A replica that has
// just become leader can seem to end too early for a moment.)
func (c *Cluster) pass(ctx context.Context, sequence uint64, stored time.Time, header nats.Header, data []byte) {
	if sequence <= c.last.Load() && !stored.After(c.lastTime) {
		return
	}
	select {
	case c.broker.Notifier <- sse.Event{ID: int64(sequence), Data: data}:
	case <-ctx.Done():
		return
	}
	c.last.Store(sequence)
	c.lastTime = stored
	if boundary := tickOf(header.Get(jetstream.MsgIDHeader)); boundary != 0 {
		c.lastTick.Store(boundary)
	}
}
