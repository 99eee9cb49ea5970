package cluster

import (
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sse/sse"

	"github.com/kataras/golog"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func TestGapInTheSequencesIsLoggedAndCounted(t *testing.T) {
	var lines strings.Builder
	golog.SetOutput(&lines)
	defer golog.SetOutput(os.Stdout)
	synctest.Test(t, func(t *testing.T) {
		broker := sse.NewBroker()
		m := &Member{broker: broker}
		read := func(sequences ...uint64) {
			t.Helper()
			for _, sequence := range sequences {
				if err := m.forward(t.Context(), sequence, time.Now(), &nats.Msg{Subject: subject}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Millisecond)
			}
		}
		want := func(what string, missed uint64, said ...string) {
			t.Helper()
			if got := m.Stats().Missed; got != missed {
				t.Errorf("%s: %d events are missed, want %d", what, got, missed)
			}
			got := lines.String()
			if n := strings.Count(got, "NATS:"); n != len(said) {
				t.Errorf("%s: %d lines, want %d: %s", what, n, len(said), got)
			}
			for _, words := range said {
				if !strings.Contains(got, words) {
					t.Errorf("%s: no %q in %s", what, words, got)
				}
			}
			lines.Reset()
		}
		read(100, 110)
		want("before it has caught up", 0)
		m.filled = true
		read(111, 112, 112)
		want("no gap", 0)
		read(115)
		want("a gap", 2, "2 events were deleted from the stream before they were read, the last of them between 112 and 115")
		for sequence := uint64(120); sequence < 170; sequence += 5 {
			read(sequence)
		}
		want("a burst of gaps", 42)
		time.Sleep(gapLogPause)
		read(166)
		want("the next event after a burst", 42, "40 events were deleted from the stream before they were read, the last of them between 160 and 165")
		m.shared = true
		time.Sleep(gapLogPause)
		read(180)
		want("another subject's messages", 42)
		broker.Shutdown(t.Context())
	})
}

// The broker is told what it lacks, also where what comes after a gap is not for it.
func TestBrokerIsToldWhatItLacks(t *testing.T) {
	broker := sse.NewBroker()
	defer broker.Shutdown(t.Context())
	m := &Member{broker: broker}
	var lines strings.Builder
	golog.SetOutput(&lines)
	defer golog.SetOutput(os.Stdout)
	read := func(sequence uint64, topic string, want sse.Gap) {
		t.Helper()
		if got := m.gapBefore(sequence, topic); got != want {
			t.Errorf("before %d in %q: %d, want %d", sequence, topic, got, want)
		}
		if err := m.forward(t.Context(), sequence, time.Now(), &nats.Msg{Subject: subjectOf(topic)}); err != nil {
			t.Fatal(err)
		}
	}
	m.prepareFilling(jetstream.StreamState{FirstSeq: 10, LastSeq: 14, Msgs: 5}, 10)
	read(10, "a", sse.NoGap)
	read(11, "b", sse.NoGap)

	m = &Member{broker: broker}
	m.prepareFilling(jetstream.StreamState{FirstSeq: 10, LastSeq: 50, Msgs: 5}, 10)
	if m.gapBefore(20, "a") != sse.TopicGap {
		t.Error("a topic whose first events may have been deleted has lost none")
	}
	read(21, "a", sse.NoGap) // The topic is known by now.
	read(40, "a", sse.NoGap)
	if m.gapBefore(50, "b") != sse.TopicGap {
		t.Error("another topic has lost none")
	}
	m.prepareFilling(jetstream.StreamState{FirstSeq: 10, LastSeq: 100_000, Msgs: 99_000}, 90_000)
	read(90_000, "b", sse.AnyGap) // An earlier try to fill the broker has ended at 40.

	m.filled, m.begun = true, nil
	read(90_001, "new", sse.NoGap)
	read(90_003, "a", sse.AnyGap)
	if err := m.forward(t.Context(), 90_005, time.Now(), &nats.Msg{Subject: "sse.events.mail%2Fanna"}); err != nil {
		t.Fatal(err)
	}
	read(90_006, "a", sse.AnyGap)
	read(90_007, "a", sse.NoGap)
	now := time.Now()
	m.recognize(now)
	m.recognize(now.Add(time.Second))
	read(90_008, "a", sse.AnyGap)
	if got := strings.Count(lines.String(), "is no topic's"); got != 1 {
		t.Errorf("%d lines: %s", got, lines.String())
	}
}
