package sse

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A topicsModel is the simplest thing that is right: a plain list of all events that ever were, and what is
// retained found anew for each event.
type topicsModel struct {
	max      int64
	events   []*modelEvent // all, in the order of their arrival: seq 1 is the first
	retained []*modelEvent
	byTopic  map[string][]*modelEvent // all
	window   int64                    // seq of the window's first event
	restarts int
	restart  int64 // the last ID before the last restart of the numbering
	firstID  int64 // of the first event since
	gone     bool  // since then a topic that had lost an event is gone
}

type modelEvent struct {
	id, seq  int64
	topic    string
	cost     int64
	restarts int
	evicted  bool
}

func newTopicsModel(max int) *topicsModel {
	return &topicsModel{max: int64(max), byTopic: make(map[string][]*modelEvent), window: 1}
}

func (m *topicsModel) last() *modelEvent {
	if len(m.events) == 0 {
		return &modelEvent{}
	}
	return m.events[len(m.events)-1]
}

func (m *topicsModel) add(e Event) {
	if len(m.events) > 0 && e.ID <= m.last().id {
		m.restarts++
		m.restart, m.firstID, m.gone = m.last().id, e.ID, false
	}
	if len(m.events) == 0 {
		m.firstID = e.ID
	}
	added := &modelEvent{e.ID, int64(len(m.events)) + 1, e.Topic, int64(len(e.appendTo(nil))) + eventCost, m.restarts, false}
	m.events = append(m.events, added)
	m.retained = append(m.retained, added)
	m.byTopic[e.Topic] = append(m.byTopic[e.Topic], added)
	for {
		m.evict(func(e *modelEvent) bool { return e.seq < m.window && !m.isLast(e) })
		switch i := slices.IndexFunc(m.retained, func(e *modelEvent) bool { return e.seq >= m.window }); {
		case m.cost(m.retained) <= m.max:
			return
		case m.cost(m.retained[:i]) > m.max/2 || i > 0 && i == len(m.retained)-1:
			oldest := m.retained[0]
			m.evict(func(e *modelEvent) bool { return e == oldest })
		case i < len(m.retained)-1:
			m.window = m.retained[i].seq + 1
		default:
			return
		}
	}
}

// isLast tells whether an event is among its topic's last keepEvents.
func (m *topicsModel) isLast(e *modelEvent) bool {
	all := m.byTopic[e.topic]
	return all[max(0, len(all)-keepEvents)].seq <= e.seq
}

// cost returns what events and their topics take.
func (m *topicsModel) cost(events []*modelEvent) (cost int64) {
	topics := make(map[string]bool)
	for _, e := range events {
		cost += e.cost
		if !topics[e.topic] {
			topics[e.topic] = true
			cost += topicCost + int64(len(e.topic))
		}
	}
	return cost
}

func (m *topicsModel) evict(which func(*modelEvent) bool) {
	m.retained = slices.DeleteFunc(m.retained, func(e *modelEvent) bool {
		if which(e) {
			e.evicted = true
		}
		return e.evicted
	})
}

// begin returns what a client gets that resumes from an ID, or that wants the last events of each of its topics, and whether
// that is all that it is to get.
func (m *topicsModel) begin(lastEventID string, last int, topics []string) (seqs []int64, complete bool) {
	if lastEventID != "" {
		return m.resume(lastEventID, topics)
	}
	counts := make(map[string]int)
	for _, e := range slices.Backward(m.events) {
		if slices.Contains(topics, e.topic) && !e.evicted && e.restarts == m.restarts && counts[e.topic] < last {
			counts[e.topic]++
			seqs = append(seqs, e.seq)
		}
	}
	slices.Reverse(seqs)
	return seqs, true
}

// resume returns what a client gets that resumes from an ID, and whether that is all there was since.
func (m *topicsModel) resume(lastEventID string, topics []string) (seqs []int64, complete bool) {
	id, err := strconv.ParseInt(lastEventID, 10, 64)
	first := m.firstID
	if m.restarts == 0 {
		first-- // Nothing came in between.
	}
	known := err == nil && len(m.events) > 0 && first <= id && id <= m.last().id
	complete = known || err == nil && id == m.restart || len(topics) == 0
	for _, e := range m.events {
		switch {
		case e.restarts != m.restarts || known && e.id <= id || !slices.Contains(topics, e.topic):
		case e.evicted:
			complete = false
		default:
			seqs = append(seqs, e.seq)
		}
	}
	return seqs, complete
}

// topics returns the topics that are there, with the events that they retain. A topic without an event is there while
// it has a client.
func (m *topicsModel) topics(subscribed map[string]bool) map[string][]int64 {
	there := make(map[string][]int64)
	for name := range subscribed {
		there[name] = nil
	}
	for _, e := range m.retained {
		there[e.topic] = append(there[e.topic], e.seq)
	}
	return there
}

// noteGone takes note of the topics that are gone. It has to be called before another client could bring one back.
func (m *topicsModel) noteGone(subscribed map[string]bool) {
	topics := m.topics(subscribed)
	for name, all := range m.byTopic {
		lost := slices.ContainsFunc(all, func(e *modelEvent) bool { return e.evicted && e.restarts == m.restarts })
		if _, there := topics[name]; lost && !there {
			m.gone = true
		}
	}
}

// compare checks what topics retain against the model.
func (m *topicsModel) compare(ts *topics, subscribed map[string]bool) error {
	want := m.topics(subscribed)
	if len(ts.byName) != len(want) {
		return fmt.Errorf("%d topics, want %d", len(ts.byName), len(want))
	}
	kept := 0
	for name, seqs := range want {
		t := ts.byName[name]
		if t == nil {
			return fmt.Errorf("topic %q is not there", name)
		}
		var got []int64
		for _, e := range t.history.index {
			got = append(got, e.seq)
		}
		if !slices.Equal(got, seqs) {
			return fmt.Errorf("topic %q retains %v, want %v", name, got, seqs)
		}
		kept += t.kept
	}
	i, _ := slices.BinarySearchFunc(m.retained, m.window, func(e *modelEvent, seq int64) int { return int(e.seq - seq) })
	switch {
	case ts.retained != m.cost(m.retained) || ts.retained > m.max && len(m.retained) > 1:
		return fmt.Errorf("%d bytes are retained, want %d, at most %d", ts.retained, m.cost(m.retained), m.max)
	case ts.keptBytes != m.cost(m.retained[:i]) || ts.keptEvents != i || kept != i:
		return fmt.Errorf("%d bytes of %d or %d events are kept, want %d of %d", ts.keptBytes, ts.keptEvents, kept, m.cost(m.retained[:i]), i)
	case len(ts.window) != len(m.retained)-i || int64(len(ts.kept)) > 2*m.max/eventCost+64:
		return fmt.Errorf("the window has %d events, want %d; %d arrivals are kept", len(ts.window), len(m.retained)-i, len(ts.kept))
	}
	return nil
}

// payload returns the next event's payload, which begins with its number.
func (m *topicsModel) payload(size int) []byte {
	return []byte(fmt.Sprint(len(m.events)+1, " ", strings.Repeat("x", size)))
}
