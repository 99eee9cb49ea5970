package sse

import (
	"sync/atomic"
	"time"
)

// Stats are a broker's figures since it began. The zero value is a new broker's. Bytes are those of event
// streams: without the response's header, and without what chunks, HTTP/2 or TLS add.
type Stats struct {
	Clients           int64       `json:"clients"`            // clients registered now
	ClientsTotal      int64       `json:"clients_total"`      // clients registered since the broker began
	Disconnects       Disconnects `json:"disconnects"`        // clients unregistered since then, by reason
	Events            int64       `json:"events"`             // events taken from Notifier and Publish
	EventBytes        int64       `json:"event_bytes"`        // what these take on the wire
	EventsSent        int64       `json:"events_sent"`        // events that became pending for clients or were sent from an [Archive], each counted for each client
	BytesSent         int64       `json:"bytes_sent"`         // what was written to all clients, heartbeats included
	SlowClients       int64       `json:"slow_clients"`       // clients cut off because they did not read
	Resumes           int64       `json:"resumes"`            // clients that sent a last event ID and were placed after it
	ResumesIncomplete int64       `json:"resumes_incomplete"` // of these, told of a gap: they asked for more than there was
	Gaps              int64       `json:"gaps"`               // gap events that clients were told ([Broker.Serve])
	Topics            int64       `json:"topics"`             // topics that retain an event or have a client
	Retained          int64       `json:"retained"`           // events retained
	RetainedBytes     int64       `json:"retained_bytes"`     // what these count against [Options.History]

	// OldestAge is how long ago the oldest event came of those that are retained; 0 where none is.
	OldestAge time.Duration `json:"-"`

	// Rounds are how long the events took that went out in one round: from when the broker had the first of them
	// until they were written to all clients but slow ones, for which a round does not wait.
	Rounds Histogram `json:"-"`
}

// Disconnects are how many clients are not registered any more, by the reason. Together with [Stats.Clients] they
// are [Stats.ClientsTotal].
type Disconnects struct {
	ClientLeft    int64 `json:"client_left"`    // the client, or a proxy before it, has closed the connection or the stream
	Slow          int64 `json:"slow"`           // cut off because they did not read
	NetworkSilent int64 `json:"network_silent"` // what was sent to the client was not acknowledged for too long
	StreamEnded   int64 `json:"stream_ended"`   // ended by the broker: when it or the stream was to end, or after an error of the [Archive]
	TooMuchInput  int64 `json:"too_much_input"` // cut off because they sent more than a few KB after their request
}

// stats is Stats as it is counted: rounds and bytesSent by the writers, and all else by listen. The turns at the archive
// add to eventsSent and gaps, too.
type stats struct {
	clients, clientsTotal, slowClients, resumesComplete, resumesIncomplete, topics atomic.Int64

	events, eventBytes, eventsSent, bytesSent atomic.Int64
	retained, retainedBytes, gaps             atomic.Int64
	oldest                                    atomic.Int64 // when that came, in nanoseconds since the broker began
	disconnects                               [reasons]atomic.Int64
	rounds                                    histogram
}

// Stats returns the broker's figures. Each of them is current, but they are not taken at one
// instant. It is safe for concurrent use, also after [Broker.Shutdown].
func (b *Broker) Stats() Stats {
	s := &b.stats
	figures := Stats{
		Clients:           s.clients.Load(),
		ClientsTotal:      s.clientsTotal.Load(),
		Events:            s.events.Load(),
		EventBytes:        s.eventBytes.Load(),
		EventsSent:        s.eventsSent.Load(),
		BytesSent:         s.bytesSent.Load(),
		SlowClients:       s.slowClients.Load(),
		ResumesIncomplete: s.resumesIncomplete.Load(),
		Gaps:              s.gaps.Load(),
		Topics:            s.topics.Load(),
		Retained:          s.retained.Load(),
		RetainedBytes:     s.retainedBytes.Load(),
		Rounds:            s.rounds.load(),
		Disconnects: Disconnects{
			ClientLeft:    s.disconnects[byClient].Load(),
			Slow:          s.disconnects[bySlowness].Load(),
			NetworkSilent: s.disconnects[bySilence].Load(),
			StreamEnded:   s.disconnects[byEnd].Load(),
			TooMuchInput:  s.disconnects[byInput].Load(),
		},
	}
	figures.Resumes = s.resumesComplete.Load() + figures.ResumesIncomplete // not two figures of two instants
	if figures.Retained > 0 {
		figures.OldestAge = max(0, time.Since(b.began)-time.Duration(s.oldest.Load()))
	}
	return figures
}

// countEvent counts the newest event, which has come to a topic.
func (b *Broker) countEvent(t *topic, now time.Time) {
	s, ts := &b.stats, &b.topics
	ts.cameNow(now.Sub(b.began))
	s.events.Add(1)
	s.eventBytes.Add(t.history.size(len(t.history.index) - 1))
	s.eventsSent.Add(int64(t.placed(b.unplaced+b.replays.clients() > 0)))
	s.topics.Store(int64(len(ts.byName)))
	s.retained.Store(int64(len(ts.window) + ts.keptEvents))
	s.retainedBytes.Store(ts.retained)
	s.oldest.Store(int64(ts.oldest()))
}

// countResume counts a client that has been placed after its last event ID.
func (s *stats) countResume(complete bool) {
	if complete {
		s.resumesComplete.Add(1)
	} else {
		s.resumesIncomplete.Add(1)
	}
}

// placed returns how many of a topic's clients have a place in its history. All have, and none is looked at, unless
// someWait: some client of some topic has no place yet.
func (t *topic) placed(someWait bool) int {
	n := len(t.subscriptions)
	if someWait {
		for _, s := range t.subscriptions {
			if !s.client.placed {
				n--
			}
		}
	}
	return n
}

// countSent counts what a writer has written since the last time: once for all of its clients.
func (b *Broker) countSent(w *writer) {
	b.stats.bytesSent.Add(w.sent)
	w.sent = 0
}
