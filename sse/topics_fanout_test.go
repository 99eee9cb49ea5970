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
	for range stepsPerInterval {
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

// One user's event does not wait for a broadcast that is being written, but a client of both gets them in order.
func TestTopicsOfFewClientsDoNotWaitForABroadcast(t *testing.T) {
	s := newStill(1 << 20)
	for range clientsPerWriter + 1 {
		s.join("", "all")
	}
	own, both, all := s.join("", "own"), s.join("", "all", "own"), s.join("", "all")
	s.round(many, true)
	s.add("all", "1", 0)
	all.want(t)
	s.add("own", "2", 0)
	own.want(t, "2")
	both.want(t, "1", "2")
	all.want(t)
	s.add("all", "3", 0)
	s.round(many, false)
	all.want(t, "1", "3")
	both.want(t, "1", "2", "3")
	own.want(t, "2")
}

// An event costs no look at a stream's other topics, and a round takes all that is new at once.
func TestTopicsOfOneStreamCostNothingWhileTheyAreQuiet(t *testing.T) {
	s := newStill(1 << 20)
	names := topicNames(maxTopics)
	r := s.join("", names...)
	s.round(few, true)
	for i := range 3 {
		s.add(names[i*3000], fmt.Sprint(i), 0)
	}
	if n := len(r.several.fresh); n != 3 {
		t.Errorf("%d subscriptions are looked at, want 3", n)
	}
	s.round(few, false)
	if fresh, pending := len(r.several.fresh), len(r.several.pending); fresh != 0 || pending != 3 {
		t.Errorf("%d subscriptions are fresh, %d pending", fresh, pending)
	}
	r.want(t, "0", "1", "2")
	allocations := testing.AllocsPerRun(100, func() {
		s.add(names[5], "x", 0)
		r.readAll()
	})
	if allocations > 20 {
		t.Errorf("%v allocations an event", allocations)
	}
}

func TestTopicsAreGoneWithTheirClients(t *testing.T) {
	s := newStill(1 << 20)
	var readers []*reader
	for range 10_000 {
		readers = append(readers, s.join("", "one"))
	}
	readers = append(readers, s.join("", topicNames(maxTopics)...))
	if n := len(s.topics.byName); n != maxTopics+1 {
		t.Errorf("%d topics", n)
	}
	for i, r := range readers {
		s.unregister(r.client)
		s.unregister(s.join("", fmt.Sprint("new/", i)).client) // streams of ever new topics
	}
	if n := len(s.topics.byName) + len(s.clients) + len(s.waiting) + len(s.topics.window) + len(s.topics.kept); n != 0 {
		t.Errorf("%d topics, clients and events are left", n)
	}
}

// Cut off is only who lacks an evicted event of its own topics.
func TestTopicsOfOthersCutNobodyOff(t *testing.T) {
	s := newStill(64 << 10)
	quiet, busy := s.join("", "quiet", "quieter"), s.join("", "busy")
	s.add("quiet", "1", 0)
	quiet.read(1)
	for range 1000 {
		s.add("busy", "x", 1<<10)
	}
	s.add("quieter", "2", 0)
	quiet.want(t, "1", "2")
	if quiet.cut || !busy.cut {
		t.Errorf("the quiet topic's client is cut off: %v; the busy one's that does not read: %v", quiet.cut, busy.cut)
	}
}
