package cluster

import (
	"context"
	"time"

	"github.com/kataras/golog"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// Where a server that starts reads only the stream's end (backfill), readQuiet reads the last event of each topic that
	// has none there. Clients wait meanwhile, so it reads maxQuiet events at most, and for no longer than quietTimeout.
	maxQuiet     = 100_000
	quietTimeout = 10 * time.Second
)

// startSequence returns the sequence to read from. last is that of the newest event read, or 0; filled is whether
// the broker has had what was in the stream.
//
//   - Once the broker was filled, all after last is read.
//   - Before that only as many messages are read as backfill says.
//   - A stream that ends before last has lost its end, and is read anew: NATS allows a consumer that starts after
//     the stream's end, and that consumer would get nothing for ever.
func startSequence(state jetstream.StreamState, last uint64, filled bool) uint64 {
	hasLostEnd := last > state.LastSeq
	if hasLostEnd {
		last = 0
	}
	if filled && !hasLostEnd {
		return last + 1
	}
	start := max(state.FirstSeq, 1, last+1)
	if n := backfill(state); n < state.Msgs {
		start = max(start, state.LastSeq-n+1)
	}
	return start
}

// backfill returns how many of a stream's last messages are read when a server starts. These are all messages where the
// stream is no larger than one that we create may be (maxMessages, maxBytes), and otherwise about as many as fit into
// these two bounds. Where all are read, each topic's last events are among them; otherwise readQuiet reads these.
func backfill(state jetstream.StreamState) uint64 {
	n := min(state.Msgs, maxMessages)
	if state.Bytes > maxBytes {
		n = min(n, uint64(float64(state.Msgs)*maxBytes/float64(state.Bytes)))
	}
	return n
}

// prepareFilling takes note of what is left out when the broker is filled from a sequence on.
func (m *Member) prepareFilling(info *jetstream.StreamInfo, start uint64) {
	last, state := m.lastSeq.Load(), info.State
	if last == 0 { // Nothing of this stream was read yet.
		m.gapAhead = m.gapAhead || hasLostFirst(info)
		if start > state.FirstSeq || state.NumDeleted > 0 {
			m.begunTopics = make(map[string]bool)
		}
	} else if start > last+1 { // An earlier try has read up to last; the messages between last and start are left out.
		m.gapAhead = true
	}
	m.fillStart, m.deleted = start, deletedOf(state)
	if m.shared.Load() || state.NumDeleted > 0 {
		m.fillStart = 0
	}
}

// deletedOf returns how many sequences up to a stream's last have no message: those of deleted messages, and those
// before the first that the stream ever had.
func deletedOf(state jetstream.StreamState) uint64 { return state.LastSeq - state.Msgs }

// finishFilling is called before the last event with which the broker is filled. Where fillStart is 0, the sequences do
// not show what the stream deletes: what it has deleted during the filling may have been an event that was not read.
func (m *Member) finishFilling(state jetstream.StreamState) {
	m.gapAhead = m.gapAhead || m.fillStart == 0 && deletedOf(state) != m.deleted
}

// readQuiet gives the broker the last event of each topic whose last event comes before the sequence start: from there on
// all is read afterwards. NATS delivers readQuiet's events by rising sequence.
func (m *Member) readQuiet(ctx context.Context, js jetstream.JetStream, start uint64) error {
	messages, pending, err := consumeFrom(ctx, js, consumerConfig(0, ourSubjects()), maxInFlight, 0)
	if err != nil {
		return err
	}
	defer messages.stop()
	limited, cancel := context.WithTimeout(ctx, quietTimeout)
	defer cancel()
	for wantSequence := uint64(1); wantSequence <= pending; wantSequence++ {
		timedOut := limited.Err() != nil && ctx.Err() == nil
		if wantSequence > maxQuiet || timedOut {
			golog.Warnf("NATS: the stream has more topics than are read at the start: %d events in %v", maxQuiet, quietTimeout, golog.Fields{"events": maxQuiet})
			m.gapAhead = true
			return nil
		}
		msg, meta, err := messages.next(ctx, true)
		switch {
		case err != nil:
			return err
		case meta.Sequence.Consumer != wantSequence:
			return errGap
		case meta.Sequence.Stream >= start:
			return nil
		}
		if err := m.forward(ctx, meta.Sequence.Stream, meta.Timestamp, msg); err != nil {
			return err
		}
	}
	return nil
}

// hasLostFirst reports whether a stream has deleted its first messages.
func hasLostFirst(info *jetstream.StreamInfo) bool {
	return info.State.FirstSeq > max(info.Config.FirstSeq, 1)
}
