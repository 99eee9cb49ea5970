package sse

import (
	"bytes"
	"strings"
	"testing"
)

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

// checkHeld checks that the history holds exactly what its frames say, in order, and that
// after finds the place behind each event.
func checkHeld(t *testing.T, h *history) {
	t.Helper()
	held := ids(t, h, h.start(), h.end())
	if len(held) != len(h.index) {
		t.Fatalf("%d events in the bytes, %d frames", len(held), len(h.index))
	}
	for i, id := range held {
		position, whole := h.after(id)
		if !whole {
			t.Errorf("after(%d) misses something", id)
		}
		if i+1 < len(held) && position != h.index[i+1].position || i+1 == len(held) && position != h.end() {
			t.Errorf("after(%d) = %d, not where the next event begins", id, position)
		}
	}
}

func TestResumeBeginsExactlyAfterEachID(t *testing.T) {
	var h history
	for id := int64(10); id <= 100; id += 10 {
		h.add(Event{ID: id, Data: []byte("x")})
	}
	checkHeld(t, &h)
	// An ID between two events was never given out, but its place is known.
	if position, whole := h.after(55); position != h.index[5].position || !whole {
		t.Errorf("after(55) = %d, %v", position, whole)
	}
}

func TestResumeFromElsewhereGetsAllThatIsHeld(t *testing.T) {
	var h history
	for id := int64(10); id <= 30; id += 10 {
		h.add(Event{ID: id})
	}
	for _, id := range []int64{-1, 1, 9, 31, 1 << 62} {
		if position, whole := h.after(id); position != h.start() || whole {
			t.Errorf("after(%d) = %d, %v, want the start, %d, false", id, position, whole, h.start())
		}
	}
}

func TestEmptyHistoryHasNothingToResume(t *testing.T) {
	var h history
	if position, whole := h.after(5); position != 0 || whole {
		t.Errorf("after(5) = %d, %v", position, whole)
	}
}

func TestHistoryKeepsItsByteBound(t *testing.T) {
	var h history
	data := []byte(strings.Repeat("x", 1000))
	for id := int64(1); id <= 10_000; id++ {
		h.add(Event{ID: id, Data: data})
		if held := h.end() - h.start(); held > maxHistory {
			t.Fatalf("%d bytes held after event %d", held, id)
		}
		if cap(h.buf) > 4*maxHistory {
			t.Fatalf("%d bytes kept for %d of history after event %d", cap(h.buf), maxHistory, id)
		}
	}
	if held := h.end() - h.start(); held < maxHistory-1100 {
		t.Errorf("only %d bytes held", held)
	}
	checkHeld(t, &h)
	oldest := h.index[0].id
	if position, whole := h.after(oldest - 1); position != h.start() || !whole {
		t.Errorf("after the newest event given up: %d, %v: nothing is missing", position, whole)
	}
	if position, whole := h.after(oldest - 2); position != h.start() || whole {
		t.Errorf("after an event given up earlier: %d, %v: something is missing", position, whole)
	}
}

func TestPayloadLargerThanTheBoundIsHeldAlone(t *testing.T) {
	var h history
	large := make([]byte, maxHistory+1)
	h.add(Event{ID: 1})
	for id := int64(2); id <= 5; id++ {
		h.add(Event{ID: id, Data: large})
		if held := ids(t, &h, h.start(), h.end()); len(held) != 1 || held[0] != id {
			t.Fatalf("held after event %d: %v", id, held)
		}
	}
	h.add(Event{ID: 6})
	if held := ids(t, &h, h.start(), h.end()); len(held) != 1 || held[0] != 6 {
		t.Errorf("held after a small event: %v", held)
	}
	if cap(h.buf) > 4*maxHistory {
		t.Errorf("%d bytes kept", cap(h.buf))
	}
}

func TestStretchNeverChanges(t *testing.T) {
	var h history
	data := []byte(strings.Repeat("x", 1000))
	var stretch, before []byte
	for id := int64(1); id <= 20_000; id++ {
		h.add(Event{ID: id, Data: data})
		if id == 10_000 { // The history has its size, and moves on from now on.
			stretch = h.between(h.start(), h.end())
			before = bytes.Clone(stretch)
		}
	}
	_ = append(stretch, "no room behind it"...)
	if !bytes.Equal(stretch, before) {
		t.Error("a stretch that was handed out has changed")
	}
	checkHeld(t, &h)
}

func TestIDThatDoesNotRiseBeginsAnew(t *testing.T) {
	for _, id := range []int64{30, 5} {
		var h history
		h.add(Event{ID: 20})
		h.add(Event{ID: 30})
		h.add(Event{ID: id})
		h.add(Event{ID: id + 1})
		if held := ids(t, &h, h.start(), h.end()); len(held) != 2 || held[0] != id {
			t.Errorf("held after ID %d: %v", id, held)
		}
		checkHeld(t, &h)
	}
}
