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
		m.shared.Store(true)
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
	m.prepareFilling(streamOf(10, 10, 14, 0), 10)
	read(10, "a", sse.NoGap)
	read(11, "b", sse.NoGap)

	m = &Member{broker: broker}
	m.prepareFilling(streamOf(10, 10, 50, 36), 10)
	if m.gapBefore(20, "a") != sse.TopicGap {
		t.Error("a topic whose first events may have been deleted has lost none")
	}
	read(21, "a", sse.NoGap) // The topic is known by now.
	read(40, "a", sse.NoGap)
	if m.gapBefore(50, "b") != sse.TopicGap {
		t.Error("another topic has lost none")
	}
	m.prepareFilling(streamOf(10, 10, 100_000, 991), 90_000)
	read(90_000, "b", sse.AnyGap) // An earlier try to fill the broker has ended at 40.

	m.filled, m.begunTopics = true, nil
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

// streamOf returns what NATS says of a stream whose first message ever had the sequence first, that has those from begin to end, and
// has deleted some of these.
func streamOf(first, begin, end uint64, deleted int) *jetstream.StreamInfo {
	return &jetstream.StreamInfo{
		Config: jetstream.StreamConfig{FirstSeq: first},
		State:  jetstream.StreamState{FirstSeq: begin, LastSeq: end, Msgs: end - begin + 1 - uint64(deleted), NumDeleted: deleted},
	}
}

// What is deleted before the broker is filled, or while it is, counts as well as what is deleted later.
func TestBrokerIsToldWhatIsDeletedWhileItIsFilled(t *testing.T) {
	type event struct {
		sequence uint64
		topic    string
		want     sse.Gap
	}
	for _, test := range []struct {
		what    string
		shared  bool
		before  *jetstream.StreamInfo
		start   uint64
		events  []event
		atEnd   *jetstream.StreamInfo
		lastGap sse.Gap // of event 20, the last
	}{
		{"all is there", false, streamOf(10, 10, 20, 0), 10, []event{{10, "a", sse.NoGap}, {11, "b", sse.NoGap}, {12, "b", sse.NoGap}, {13, "a", sse.NoGap}, {14, "a", sse.NoGap}, {15, "a", sse.NoGap}, {16, "a", sse.NoGap}, {17, "a", sse.NoGap}, {18, "a", sse.NoGap}, {19, "a", sse.NoGap}}, streamOf(10, 15, 25, 0), sse.NoGap},
		{"a stream that NATS numbers from 1", false, streamOf(0, 1, 20, 0), 1, []event{{1, "a", sse.NoGap}}, streamOf(0, 1, 20, 0), sse.AnyGap},
		{"the stream's first events are gone", false, streamOf(5, 10, 20, 0), 10, []event{{10, "a", sse.AnyGap}, {11, "b", sse.NoGap}}, streamOf(5, 10, 20, 0), sse.AnyGap},
		{"the first to be read are deleted", false, streamOf(10, 10, 20, 0), 10, []event{{12, "a", sse.AnyGap}, {13, "b", sse.NoGap}}, streamOf(10, 12, 22, 0), sse.AnyGap},
		{"some are deleted amid", false, streamOf(10, 10, 20, 0), 10, []event{{10, "a", sse.NoGap}, {13, "b", sse.AnyGap}, {14, "a", sse.NoGap}}, streamOf(10, 12, 22, 0), sse.AnyGap},
		{"after the quiet topics' last", false, streamOf(10, 10, 20, 0), 15, []event{{12, "a", sse.TopicGap}, {13, "b", sse.TopicGap}, {15, "c", sse.TopicGap}, {17, "a", sse.AnyGap}, {18, "d", sse.TopicGap}, {19, "d", sse.NoGap}}, streamOf(10, 12, 22, 0), sse.NoGap},
		{"a topic's first after a gap", false, streamOf(5, 10, 20, 0), 15, []event{{12, "a", sse.AnyGap}, {15, "a", sse.NoGap}, {16, "b", sse.TopicGap}, {19, "b", sse.AnyGap}}, streamOf(5, 12, 22, 0), sse.NoGap},
		{"limits of subjects, nothing deleted meanwhile", false, streamOf(10, 10, 20, 5), 10, []event{{10, "a", sse.TopicGap}, {15, "b", sse.TopicGap}, {18, "a", sse.NoGap}}, streamOf(10, 10, 20, 5), sse.NoGap},
		{"limits of subjects, something deleted meanwhile", false, streamOf(10, 10, 20, 5), 10, []event{{10, "a", sse.TopicGap}, {18, "a", sse.NoGap}}, streamOf(10, 10, 21, 6), sse.AnyGap},
		{"other subjects, nothing deleted meanwhile", true, streamOf(10, 10, 20, 0), 10, []event{{10, "a", sse.NoGap}, {18, "a", sse.NoGap}}, streamOf(10, 10, 21, 0), sse.NoGap},
		{"other subjects, something deleted meanwhile", true, streamOf(10, 10, 20, 0), 10, []event{{10, "a", sse.NoGap}, {18, "a", sse.NoGap}}, streamOf(10, 12, 21, 0), sse.AnyGap},
	} {
		t.Run(test.what, func(t *testing.T) {
			broker := sse.NewBroker()
			defer broker.Shutdown(t.Context())
			m := &Member{broker: broker}
			m.shared.Store(test.shared)
			m.prepareFilling(test.before, test.start)
			read := func(e event) {
				t.Helper()
				if got := m.gapBefore(e.sequence, e.topic); got != e.want {
					t.Errorf("before %d in %q: %d, want %d", e.sequence, e.topic, got, e.want)
				}
				if err := m.forward(t.Context(), e.sequence, time.Now(), &nats.Msg{Subject: subjectOf(e.topic)}); err != nil {
					t.Fatal(err)
				}
			}
			for _, e := range test.events {
				read(e)
			}
			m.finishFilling(test.atEnd.State)
			read(event{20, test.events[0].topic, test.lastGap})
		})
	}
}
