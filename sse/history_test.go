package sse

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// A lone is the history of a topic beside which there is no other.
type lone struct {
	topics *topics
	*history
}

func newLone(max int) lone {
	ts := newTopics(max)
	t := ts.get("")
	t.subscriptions = make([]*subscription, 1) // so that it is not forgotten
	return lone{&ts, &t.history}
}

func (l lone) add(e Event) { l.topics.add(e) }

func (l lone) after(id int64) (position int64, complete bool) {
	return l.topics.after(l.topics.get(""), id)
}

// ids returns the IDs of the events between two positions.
func ids(t *testing.T, h *history, from, to int64) (ids []int64) {
	t.Helper()
	r := newParser(bytes.NewReader(h.between(from, to)))
	for {
		e, err := r.Next()
		if err != nil {
			return ids
		}
		ids = append(ids, e.ID)
	}
}

// checkRetained checks that the history retains exactly what its index says, in order, and that
// after finds the position after each event.
func checkRetained(t *testing.T, h lone) {
	t.Helper()
	retained := ids(t, h.history, h.start(), h.end())
	if len(retained) != len(h.index) {
		t.Fatalf("%d events in the buffer, %d entries", len(retained), len(h.index))
	}
	for i, id := range retained {
		position, complete := h.after(id)
		if !complete {
			t.Errorf("after(%d) misses something", id)
		}
		if i+1 < len(retained) && position != h.index[i+1].position || i+1 == len(retained) && position != h.end() {
			t.Errorf("after(%d) = %d, not where the next event begins", id, position)
		}
	}
}

func TestResumeBeginsExactlyAfterEachID(t *testing.T) {
	h := newLone(smallHistory)
	for id := int64(10); id <= 100; id += 10 {
		h.add(Event{ID: id, Data: []byte("x")})
	}
	checkRetained(t, h)
	// An ID between two events was never given out, but its place is known.
	if position, complete := h.after(55); position != h.index[5].position || !complete {
		t.Errorf("after(55) = %d, %v", position, complete)
	}
}

func TestResumeFromElsewhereGetsAllThatIsRetained(t *testing.T) {
	h := newLone(smallHistory)
	for id := int64(10); id <= 30; id += 10 {
		h.add(Event{ID: id})
	}
	if position, complete := h.after(9); position != h.start() || !complete {
		t.Errorf("after(9) = %d, %v, although nothing came between 9 and 10", position, complete)
	}
	for _, id := range []int64{-1, 1, 8, 31, 1 << 62} {
		if position, complete := h.after(id); position != h.start() || complete {
			t.Errorf("after(%d) = %d, %v, want the start, %d, false", id, position, complete, h.start())
		}
	}
}

func TestEmptyHistoryHasNothingToResume(t *testing.T) {
	h := newLone(smallHistory)
	if position, complete := h.after(5); position != 0 || complete {
		t.Errorf("after(5) = %d, %v", position, complete)
	}
}

func TestHistoryKeepsItsByteBound(t *testing.T) {
	h := newLone(smallHistory)
	data := []byte(strings.Repeat("x", 1000))
	for id := int64(1); id <= 10_000; id++ {
		h.add(Event{ID: id, Data: data})
		if h.topics.retained > smallHistory {
			t.Fatalf("%d bytes retained after event %d", h.topics.retained, id)
		}
		if cap(h.buf) > 4*smallHistory {
			t.Fatalf("%d bytes kept for %d of history after event %d", cap(h.buf), smallHistory, id)
		}
	}
	if h.topics.retained < smallHistory-1200 {
		t.Errorf("only %d bytes retained", h.topics.retained)
	}
	checkRetained(t, h)
	oldest := h.index[0].id
	if position, complete := h.after(oldest - 1); position != h.start() || !complete {
		t.Errorf("after the newest event evicted: %d, %v: nothing is missing", position, complete)
	}
	if position, complete := h.after(oldest - 2); position != h.start() || complete {
		t.Errorf("after an event evicted earlier: %d, %v: something is missing", position, complete)
	}
}

func TestPayloadLargerThanTheBoundIsRetainedAlone(t *testing.T) {
	h := newLone(smallHistory)
	large := make([]byte, smallHistory+1)
	h.add(Event{ID: 1})
	for id := int64(2); id <= 5; id++ {
		h.add(Event{ID: id, Data: large})
		if retained := ids(t, h.history, h.start(), h.end()); len(retained) != 1 || retained[0] != id {
			t.Fatalf("retained after event %d: %v", id, retained)
		}
	}
	h.add(Event{ID: 6})
	if retained := ids(t, h.history, h.start(), h.end()); len(retained) != 1 || retained[0] != 6 {
		t.Errorf("retained after a small event: %v", retained)
	}
	if cap(h.buf) > 4*smallHistory {
		t.Errorf("%d bytes kept", cap(h.buf))
	}
}

func TestBatchNeverChanges(t *testing.T) {
	h := newLone(smallHistory)
	data := []byte(strings.Repeat("x", 1000))
	var batch, before []byte
	for id := int64(1); id <= 20_000; id++ {
		h.add(Event{ID: id, Data: data})
		if id == 10_000 { // The history has its size, and moves on from now on.
			batch = h.between(h.start(), h.end())
			before = bytes.Clone(batch)
		}
	}
	_ = append(batch, "no space after it"...)
	if !bytes.Equal(batch, before) {
		t.Error("a batch that was handed out has changed")
	}
	checkRetained(t, h)
}

func TestIDThatDoesNotRiseRestartsTheNumbering(t *testing.T) {
	for _, id := range []int64{30, 5} {
		h := newLone(smallHistory)
		h.add(Event{ID: 20})
		h.add(Event{ID: 30})
		h.add(Event{ID: id})
		h.add(Event{ID: id + 1})
		if resumable := ids(t, h.history, h.firstResumablePosition(), h.end()); !slices.Equal(resumable, []int64{id, id + 1}) {
			t.Errorf("after a restart with ID %d, %v can be resumed with", id, resumable)
		}
		if retained := ids(t, h.history, h.start(), h.end()); !slices.Equal(retained, []int64{20, 30, id, id + 1}) {
			t.Errorf("after a restart with ID %d, %v are retained for those on their way", id, retained)
		}
		if position, complete := h.after(30); id != 30 && (position != h.firstResumablePosition() || !complete) {
			t.Errorf("after the last ID before the restart: %d, %v", position, complete)
		}
		// What came before the restart is evicted by size as all the rest.
		large := make([]byte, smallHistory/3)
		for next := id + 2; next < id+7; next++ {
			h.add(Event{ID: next, Data: large})
		}
		checkRetained(t, h)
	}
}
