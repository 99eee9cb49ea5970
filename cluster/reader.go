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
	// requestTimeout is how long NATS has to answer. While the stream has no leader
	// it does not.
	requestTimeout = 2 * time.Second

	// retryWait is the time between tries to read.
	retryWait = 250 * time.Millisecond
)

var errGap = errors.New("messages were lost on the way")

// read sends the broker what the stream holds and gets, until ctx ends. The consumer lives in
// the memory of one NATS server, which may die: anything strange, and another one begins
// behind the last event. (jetstream.OrderedConsumer does the like, but waits too long
// after a node is lost.)
func (m *Member) read(ctx context.Context, nc *nats.Conn, js jetstream.JetStream) {
	var trouble warnOnce
	for ctx.Err() == nil {
		connection, startOver := context.WithCancel(ctx)
		go func() {
			select {
			case <-m.connChanged:
				startOver()
			case <-connection.Done():
			}
		}()
		err := m.consume(connection, nc, js, &trouble)
		startOver()
		// Another server may be ahead of this one now, and clients come from it with IDs
		// that are from the future here: they wait until this one has caught up.
		m.broker.Hold()
		if errors.Is(err, context.Canceled) {
			continue
		}
		if nc.IsConnected() {
			trouble.warn("NATS: reading again: %v", err)
		}
		select {
		case <-time.After(retryWait):
		case <-m.connChanged:
		case <-ctx.Done():
		}
	}
}

// consume reads on behind the last event, with a consumer of its own. It returns when that
// cannot be relied on any more.
func (m *Member) consume(ctx context.Context, nc *nats.Conn, js jetstream.JetStream, trouble *warnOnce) error {
	stream, err := m.openStream(ctx, js)
	if err != nil {
		return err
	}
	m.recognize(stream.CachedInfo().Created)
	state := stream.CachedInfo().State
	last := m.lastSeq.Load()
	start := startSequence(state, last)
	if last > 0 && start <= last {
		golog.Warnf("NATS: the stream ends at %d, before the last event read, %d: has NATS lost its end?", state.LastSeq, last)
	} else if last > 0 && state.FirstSeq > start {
		golog.Warnf("NATS: the stream begins at %d: what it held behind %d was not read", state.FirstSeq, last)
	}
	newest, err := lastSequence(ctx, stream)
	if err != nil {
		return err
	}
	messages, err := consumeFrom(ctx, nc, stream, start)
	if err != nil {
		return fmt.Errorf("consumer: %w", err)
	}
	defer messages.stop()
	catchingUp := true
	for n := uint64(1); ; n++ {
		if catchingUp && m.lastSeq.Load() >= newest {
			catchingUp = false
			m.ready.Store(true)
			m.broker.Release()
		}
		msg, meta, err := messages.next(ctx, catchingUp)
		if err != nil {
			return err
		}
		if meta.Sequence.Consumer != n {
			return errGap
		}
		if err := m.forward(ctx, meta.Sequence.Stream, meta.Timestamp, msg.Header, msg.Data); err != nil {
			return err
		}
		trouble.reset()
	}
}

// recognize takes note of which stream is read, by the time of its creation. One that was
// created again is read from its beginning, and all that it holds is new: neither its
// sequences nor its times compare with those of the last one, since it may number from 1, on
// a NATS whose clock is behind.
func (m *Member) recognize(created time.Time) {
	if !m.created.IsZero() && !m.created.Equal(created) {
		golog.Warnf("NATS: the stream was created again: what it held after %d, if anything, is lost", m.lastSeq.Load())
		m.lastSeq.Store(0)
		m.lastStored = time.Time{}
	}
	m.created = created
}

// forward gives the broker a message, unless it had it: where the stream seemed to begin anew, a
// sequence that is not new is a new event only if it was stored later. (A replica that has
// just become leader can seem to end too early for a moment.)
func (m *Member) forward(ctx context.Context, sequence uint64, stored time.Time, header nats.Header, data []byte) error {
	if sequence <= m.lastSeq.Load() && !stored.After(m.lastStored) {
		return nil
	}
	e := sse.Event{ID: int64(sequence), Name: header.Get(nameHeader), Data: data}
	if err := m.broker.Publish(ctx, e); err != nil {
		return err
	}
	m.lastSeq.Store(sequence)
	m.lastStored = stored
	if boundary := boundaryOf(header.Get(jetstream.MsgIDHeader)); boundary != 0 {
		m.lastTick.Store(boundary)
	}
	return nil
}
