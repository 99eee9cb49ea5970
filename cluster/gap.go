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
	missed      uint64 // how many events are missing that were not logged yet
	after, then uint64 // the sequences around the last gap
	next        time.Time
}

// isGap reports whether there were events between the last one read and the one with the given sequence,
// since this server had caught up.
func (m *Member) isGap(sequence uint64) bool {
	last := m.lastSeq.Load()
	return m.filled && !m.shared.Load() && last > 0 && sequence > last+1
}

// isLacking reports whether the broker lacks events before the one with the given sequence: because of a gap, or because
// the stream deletes events while the broker is being filled.
func (m *Member) isLacking(sequence uint64) bool {
	return m.gapAhead || m.isGap(sequence) || !m.filled && m.start > 0 && sequence > max(m.start, m.lastSeq.Load()+1)
}

// gapBefore returns what the broker lacks before the next event. Limits delete the oldest events of a stream
// or of a subject, so while the broker is filled what is missing of a topic came before the first that is read.
func (m *Member) gapBefore(sequence uint64, topic string) sse.Gap {
	begins := m.begun != nil && !m.begun[topic]
	if begins {
		m.begun[topic] = true
	}
	switch {
	case m.isLacking(sequence):
		return sse.AnyGap
	case begins:
		return sse.TopicGap
	}
	return sse.NoGap
}

// noteGap counts and logs the events between the last one read and the one with the given
// sequence, which comes now. The stream has deleted these events: its configuration has it keep less than this
// server can read in time, or an operator has purged it. Events that were deleted before this server had ever
// caught up do not count as missed.
func (m *Member) noteGap(sequence uint64) {
	g := &m.gaps
	if last := m.lastSeq.Load(); m.isGap(sequence) {
		n := sequence - last - 1
		m.missed.Add(n)
		g.missed += n
		g.after, g.then = last, sequence
	}
	if now := time.Now(); g.missed > 0 && !now.Before(g.next) {
		golog.Warnf("NATS: %d events were deleted from the stream before they were read, the last of them between %d and %d", g.missed, g.after, g.then,
			golog.Fields{"missed": g.missed, "after": g.after, "before": g.then})
		g.missed = 0
		g.next = now.Add(gapLogPause)
	}
}
