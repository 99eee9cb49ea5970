package cluster

import (
	"context"
	"errors"
	"time"

	"example.com/sse/internal/text"
	"example.com/sse/sse"

	"github.com/kataras/golog"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// requestTimeout is how long NATS has to answer. While the stream has no leader there
	// is no answer.
	requestTimeout = 2 * time.Second

	// retryWait is the time between two tries to read, or to publish an event.
	retryWait = 250 * time.Millisecond
)

// errGap is the error where a consumer's count of messages does not rise by one.
var errGap = errors.New("messages were lost on the way")

// read gives the broker what is in the stream and what is added to it, until ctx ends. After any
// error it creates another consumer, which starts after the last event read.
// (jetstream.OrderedConsumer does the same, but waits too long after a NATS server is lost.)
func (m *Member) read(ctx context.Context, nc *nats.Conn, js jetstream.JetStream) {
	var trouble warnOnce
	for ctx.Err() == nil {
		// connCtx ends when the connection is lost or established: then reading starts over.
		connCtx, cancelConn := context.WithCancel(ctx)
		go func() {
			select {
			case <-m.connChanged:
				cancelConn()
			case <-connCtx.Done():
			}
		}()
		err := m.consume(connCtx, js, &trouble)
		cancelConn()
		// Other servers may be ahead until this server has caught up, so until then some of its clients wait for Release. Without Hold:
		//
		//   - a client that names an event which this server has not read would wait for it for 10 s only, in which the
		//     server may not have caught up, and would then get all that is retained;
		//   - a client without an ID would get old events.
		m.broker.Hold()
		if errors.Is(err, context.Canceled) {
			continue // The connection has changed, or ctx has ended.
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

// consume creates a consumer and reads on with it after the last event read, until the consumer fails or ctx ends: it
// always returns an error. Once it has caught up it releases the clients.
func (m *Member) consume(ctx context.Context, js jetstream.JetStream, trouble *warnOnce) error {
	stream, err := m.openStream(ctx, js)
	if err != nil {
		return err
	}
	m.recognize(stream.CachedInfo().Created)
	start := m.findStart(stream.CachedInfo().State)
	newest, err := lastSequence(ctx, js, ourSubjects())
	if err != nil {
		return err
	}
	if !m.filled {
		nothingRead := m.lastSeq.Load() == 0
		m.prepareFilling(stream.CachedInfo(), start)
		if nothingRead && start > stream.CachedInfo().State.FirstSeq && newest > 0 {
			if err := m.readQuiet(ctx, js, start); err != nil {
				return err
			}
		}
	}
	messages, pending, err := consumeFrom(ctx, js, consumerConfig(start, m.filter()), maxInFlight, 0)
	if err != nil {
		return err
	}
	m.lag.Store(pending)
	defer messages.stop()
	catchingUp := true
	for wantSequence := uint64(1); ; wantSequence++ { // A consumer numbers its own messages from 1.
		if catchingUp && m.lastSeq.Load() >= newest {
			catchingUp = false
			m.filled, m.begunTopics = true, nil
			m.ready.Store(true)
			m.broker.Release()
		}
		msg, meta, err := messages.next(ctx, catchingUp)
		if err != nil {
			return err
		}
		if meta.Sequence.Consumer != wantSequence {
			return errGap
		}
		// With this message the broker is filled. What the stream has deleted meanwhile is a gap before its event.
		if !m.filled && meta.Sequence.Stream >= newest {
			info, err := stream.Info(ctx)
			if err != nil {
				return err
			}
			m.finishFilling(info.State)
		}
		if err := m.forward(ctx, meta.Sequence.Stream, meta.Timestamp, msg); err != nil {
			return err
		}
		m.lag.Store(meta.NumPending)
		trouble.reset()
	}
}

// findStart returns the sequence to read from, and takes note of a gap before it.
func (m *Member) findStart(state jetstream.StreamState) (start uint64) {
	last := m.lastSeq.Load()
	start = startSequence(state, last, m.filled)
	if last > 0 && start <= last {
		golog.Warnf("NATS: the stream ends at %d, before the last event read, %d: has NATS lost its end?", state.LastSeq, last,
			golog.Fields{"end": state.LastSeq, "last": last})
		m.filled, m.gapAhead = false, true
	}
	if m.filled && m.shared.Load() && (state.FirstSeq > start || state.NumDeleted > 0) {
		m.gapAhead = true // Sequences that are shared with other subjects do not show a gap.
	}
	return start
}

// recognize takes note of which stream is read, by the time of its creation. A stream that was
// created again is read from its beginning, and all that it holds is new: neither its
// sequences nor its times can be compared with those of the old one. Its sequences begin at 1 where an
// operator created it so, and its times are those of a NATS server whose clock may be slow.
func (m *Member) recognize(created time.Time) {
	if before := m.created.Swap(created.UnixNano()); before != 0 && before != created.UnixNano() {
		golog.Warnf("NATS: the stream was created again: what it held after %d, if anything, is lost", m.lastSeq.Load(), golog.Fields{"last": m.lastSeq.Load()})
		m.lastSeq.Store(0)
		m.given.Store(0)
		m.lastStored = time.Time{}
		m.filled, m.gapAhead = false, true
	}
}

// forward gives the broker a message, unless the broker had it. A message whose sequence does not rise is
// new only if NATS stored it later than the last one read. Otherwise it was read before: a replica that has just
// become leader can seem to have lost its end, and is then read from its beginning.
func (m *Member) forward(ctx context.Context, sequence uint64, stored time.Time, msg *nats.Msg) error {
	if sequence <= m.lastSeq.Load() && !stored.After(m.lastStored) {
		return nil
	}
	if topic, ok := topicOf(msg.Subject); ok {
		e := eventOf(sequence, topic, msg)
		e.Gap = m.gapBefore(sequence, topic)
		if e.Name != msg.Header.Get(nameHeader) { // The publisher has its answer already, so only the log can say it.
			m.badNames.warn("NATS: an event's name is not one line of UTF-8 without control characters: what can't be in a name is shown as U+FFFD")
		}
		m.given.Store(sequence)
		if err := m.broker.Publish(ctx, e); err != nil {
			return err
		}
		m.gapAhead = false
	} else {
		m.noTopics.warn("NATS: the subject %q is no topic's: what is published to it is left out", msg.Subject)
		m.gapAhead = m.isLacking(sequence) // The next event has to tell the gap, since this message is no event.
	}
	m.noteGap(sequence)
	m.lastSeq.Store(sequence)
	m.lastStored = stored
	if boundary := boundaryOf(msg.Header.Get(jetstream.MsgIDHeader)); boundary != 0 && msg.Subject == subject {
		m.lastTick.Store(boundary)
	}
	return nil
}

// eventOf returns the event that a message is.
func eventOf(sequence uint64, topic string, msg *nats.Msg) sse.Event {
	return sse.Event{ID: int64(sequence), Topic: topic, Name: text.Line(msg.Header.Get(nameHeader)), Data: msg.Data}
}
