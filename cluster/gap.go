package cluster

import (
	"time"

	"example.com/sse/sse"

	"github.com/kataras/golog"
)

// gapLogPause is the least time between two lines about gaps: in a burst there may be one after
// each event.
const gapLogPause = time.Second

// A gapLog is what is still to be logged about gaps in the stream's sequences.
type gapLog struct {
	missed        uint64    // how many events are missing that were not logged yet
	after, before uint64    // the sequences around the last gap
	next          time.Time // the earliest time of the next line
}

// isGap reports whether the stream had events between the last one read and the one with the given sequence. Only the
// sequences of a stream that has no other subjects tell that, and only gaps after this server had caught up count.
func (m *Member) isGap(sequence uint64) bool {
	last := m.lastSeq.Load()
	return m.filled && !m.shared.Load() && last > 0 && sequence > last+1
}

// isLacking reports whether the broker lacks events before the one with the given sequence: because of a gap, or because
// the stream deletes events while the broker is being filled.
func (m *Member) isLacking(sequence uint64) bool {
	// If nothing is missing, the first message read is that at fillStart, and each later one follows the last one read.
	deletedWhileFilling := !m.filled && m.fillStart > 0 && sequence > max(m.fillStart, m.lastSeq.Load()+1)
	return m.gapAhead || m.isGap(sequence) || deletedWhileFilling
}

// gapBefore returns what the broker lacks before the next event. Limits delete the oldest events of a stream
// or of a subject, so while the broker is being filled, what is missing of a topic came before the topic's first event
// that is read. In begunTopics gapBefore notes which topics have had theirs.
func (m *Member) gapBefore(sequence uint64, topic string) sse.Gap {
	isTopicsFirst := m.begunTopics != nil && !m.begunTopics[topic]
	if isTopicsFirst {
		m.begunTopics[topic] = true
	}
	switch {
	case m.isLacking(sequence):
		return sse.AnyGap
	case isTopicsFirst:
		return sse.TopicGap
	}
	return sse.NoGap
}

// noteGap counts and logs the events between the last one read and the one with the given
// sequence, which comes now. The stream has deleted these events: its configuration has it keep less than this
// server can read in time, or an operator has purged it. Events that were deleted before this server had
// caught up do not count as missed, nor do those deleted while the broker is being filled again.
func (m *Member) noteGap(sequence uint64) {
	g := &m.gaps
	if last := m.lastSeq.Load(); m.isGap(sequence) {
		missed := sequence - last - 1
		m.missed.Add(missed)
		g.missed += missed
		g.after, g.before = last, sequence
	}
	if now := time.Now(); g.missed > 0 && !now.Before(g.next) {
		golog.Warnf("NATS: %d events were deleted from the stream before they were read, the last of them between %d and %d", g.missed, g.after, g.before,
			golog.Fields{"missed": g.missed, "after": g.after, "before": g.before})
		g.missed = 0
		g.next = now.Add(gapLogPause)
	}
}
