package sse

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
	"example.com/sse/sse/internal/transport"
)

// A still is a broker whose loop does not run: a test takes the loop's steps itself, one after the
// other, and no goroutine writes. So all that happens is decided by the test.
type still struct{ *Broker }

func newStill(history int) still {
	b := &Broker{
		options:    Options{History: history}.withDefaults(),
		began:      time.Now(),
		logLines:   make(chan logLines, 1),
		aheadTimer: newStoppedTimer(),
		roundTimer: newStoppedTimer(),
		writers:    newWriters(),
		topics:     newTopics(history),
	}
	b.heartbeats.interval = b.options.Heartbeat
	b.heartbeatEvent = []byte("event: heartbeat\ndata: 15000\n\n")
	return still{b}
}

// round begins or ends a round of a lane, as if other clients were being written to.
func (s still) round(lane int, running bool) {
	l := &s.writers.lanes[lane]
	if running != l.busy() {
		l.running.n.Store(map[bool]int32{true: l.enough}[running])
		s.roundEnded(l)
	}
}

// A reader is a client of a still broker. Its outbox is never idle, as if a writer were at work, so
// that none is started; it is the test that writes.
type reader struct {
	*client
	got  []byte
	gaps []testkit.Gap // which were in what was written, as last looked at
}

// nowhere is a transport to nobody.
type nowhere struct{ transport.Transport }

func (nowhere) CutOff() {}

// join registers a client; lastEventID may be empty.
func (s still) join(lastEventID string, topics ...string) *reader {
	if lastEventID == "" {
		return s.joinAt(nil, topics...)
	}
	return s.joinAt(resumeAfter(lastEventID), topics...)
}

// joinAt registers a client whose stream begins somewhere; nil is at the end.
func (s still) joinAt(from *beginning, topics ...string) *reader {
	c := &client{broker: s.Broker, index: gone, beginning: from, out: nowhere{}}
	c.outbox.init()
	s.register(registration{c, topics, make(chan struct{})})
	return &reader{client: c}
}

// read writes so many parts of what is pending at most, and reports whether there may be more.
func (r *reader) read(parts int) (more bool) {
	for range parts {
		if r.writing.isEmpty() {
			if r.writing, _ = r.outbox.next(); r.writing.isEmpty() {
				return false
			}
		}
		r.got = append(r.got, r.writing.part(maxPart)...)
	}
	return true
}

// readAll writes all that is pending.
func (r *reader) readAll() {
	for r.read(1) {
	}
}

// payloads returns the first words of the payloads of all events that were written.
func (r *reader) payloads() (payloads []string) {
	p := newParser(bytes.NewReader(r.got))
	for {
		e, err := p.Next()
		if err != nil {
			r.gaps = p.Gaps
			return payloads
		}
		first, _, _ := strings.Cut(e.Data, " ")
		payloads = append(payloads, first)
	}
}

// want checks the payloads of all events that were written, and that nothing more is pending.
func (r *reader) want(t *testing.T, payloads ...string) {
	t.Helper()
	r.readAll()
	if got := r.payloads(); !slices.Equal(got, payloads) {
		t.Errorf("got %d events %.20v, want %d %.20v", len(got), got, len(payloads), payloads)
	}
}

// add publishes an event to a topic of which the payload is a word and so many bytes more.
func (s still) add(topic, word string, more int) {
	s.addAndFanOut(Event{ID: s.topics.lastID + 1, Topic: topic, Data: []byte(word + " " + strings.Repeat("x", more))})
}
