package sse

import (
	"testing"
)

// A source that has left out events says so, and who resumes from before them is known not to get all.
func TestResumeOverWhatItsSourceHasLeftOutIsNotComplete(t *testing.T) {
	ts := newTopics(1 << 20)
	for _, e := range []Event{
		{ID: 10, Topic: "a"},
		{ID: 20, Topic: "b", Gap: TopicGap},
		{ID: 30, Topic: "a"},
		{ID: 40, Topic: "b"},
	} {
		ts.add(e)
	}
	check := func(what string, want map[string]int64) {
		t.Helper()
		for topic, first := range want {
			for id := int64(10); id <= ts.lastID; id++ {
				if _, complete := ts.after(ts.get(topic), id); complete != (id >= first) {
					t.Errorf("%s: topic %s after %d: complete is %t", what, topic, id, complete)
				}
			}
		}
	}
	check("a gap in b", map[string]int64{"a": 10, "b": 19, "never published to": 10})
	ts.add(Event{ID: 50, Topic: "a", Gap: TopicGap})
	check("one in a", map[string]int64{"a": 49, "b": 19, "never published to": 10})
	ts.add(Event{ID: 60, Topic: "c", Gap: AnyGap})
	check("one in any", map[string]int64{"a": 59, "b": 59, "c": 59, "never published to": 59})
	ts.add(Event{ID: 11, Topic: "a"})
	for _, topic := range []string{"a", "b", "new"} {
		if _, complete := ts.after(ts.get(topic), 60); !complete {
			t.Errorf("after a restart of the numbering %s is not complete", topic)
		}
	}
	ts.add(Event{ID: 5, Topic: "a", Gap: AnyGap})
	if _, complete := ts.after(ts.get("b"), 11); complete {
		t.Error("a restart of the numbering with a gap is complete")
	}
}

// Until the history is filled, nobody is placed in it: what the source has left out is not known yet.
func TestClientThatResumesWaitsForTheFirstRelease(t *testing.T) {
	b, server := newServer(t)
	b.Hold()
	publish := func(e Event) {
		t.Helper()
		if err := b.Publish(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	publish(Event{ID: 10})
	publish(Event{ID: 20})
	s := open(t, server.URL, "Last-Event-ID", "10")
	publish(Event{ID: 30, Gap: AnyGap})
	b.Release()
	for _, want := range []int64{20, 30} {
		if e, err := s.Next(); err != nil || e.ID != want {
			t.Errorf("got %d, %v, want %d", e.ID, err, want)
		}
	}
	if got := b.Stats(); got.Resumes != 1 || got.ResumesIncomplete != 1 {
		t.Errorf("%+v", got)
	}
	b.Hold() // as while the source catches up: what the client needs is here
	live := open(t, server.URL, "Last-Event-ID", "30")
	publish(Event{ID: 31})
	if e, err := live.Next(); err != nil || e.ID != 31 {
		t.Errorf("got %d, %v, want 31", e.ID, err)
	}
}
