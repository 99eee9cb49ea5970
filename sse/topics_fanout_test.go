package sse

import (
	"fmt"
	"testing"
)

// Events that wait for a round's end are sent before others push them out, be those of topics without a client.
func TestTopicsWithoutClientsDoNotEvictWhatWaits(t *testing.T) {
	for _, size := range []int{0, 100, 1000} {
		s := newStill(256 << 10)
		r := s.join("", "a")
		s.round(few, true)
		var want []string
		for i := range 20 {
			s.add("a", fmt.Sprint(i), 0)
			want = append(want, fmt.Sprint(i))
		}
		for i := 0; s.topics.get("a").history.start() == 0; i++ {
			s.add(fmt.Sprint("nobody's ", i), "x", size)
		}
		s.round(few, false)
		if r.cut {
			t.Errorf("a client that keeps up was cut off, for events of %d bytes that were not its own", size)
		}
		r.want(t, want...)
	}
}

// A client that is shown its heartbeats gets the one that an event has taken the place of at the next turn.
func TestTopicsEventsDoNotTakeAHeartbeatAway(t *testing.T) {
	s := newStill(1 << 20)
	r := s.join("", "a")
	r.showHeartbeats = true
	r.readAll()
	for range beatsPerInterval {
		s.keepAlive()
	}
	s.add("a", "1", 0)
	r.want(t, "1")
	s.keepAlive()
	r.readAll()
	if want := "id: 1\ndata: 1 \n\n" + string(s.heartbeatEvent); string(r.got) != want {
		t.Errorf("got %q, want %q", r.got, want)
	}
}
