package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
	"example.com/sse/sse"
)

func TestEventsSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/events/of/mine"
	s := openStore(t, dir, 0)
	large := strings.Repeat("large ", partLen)
	born := s.state.born
	for _, e := range []sse.Event{
		{Data: []byte("one")}, {Topic: "news", Name: "alert", Data: []byte(large)}, {Topic: "news"}, {Topic: "mail/anna", Data: []byte("a\nb\xff")},
	} {
		if err := s.Publish(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, dir, 0)
	publish(t, s, "news", "after")
	complete, events := readAll(t, s, born, "news", "", "mail/anna")
	if got, want := fmt.Sprintf("%q", datas(events)), fmt.Sprintf("%q", []string{"one", large, "", "a\nb\xff", "after"}); got != want || !complete {
		t.Errorf("%.100s, complete: %t; want %.100s", got, complete, want)
	}
	if e := events[1]; e.Name != "alert" || e.Topic != "news" || e.ID <= events[0].ID {
		t.Errorf("the second is %d, %q, %q", e.ID, e.Topic, e.Name)
	}
	if st := s.Stats(); st.Stored != 1 || st.Events != 5 || st.Failed != 0 || st.Bytes < int64(len(large)) {
		t.Errorf("%+v", st)
	}
}

func TestIDsRiseAlsoWhereTheClockIsSetBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var last int64
	now := time.Now()
	for _, clock := range []time.Time{now, now, now.Add(-48 * time.Hour), time.UnixMicro(-7), now.Add(time.Hour), now} {
		s := openAt(t, dir, 0, func() time.Time { return clock })
		want := max(clock.UnixMicro(), s.state.last+1)
		for range 3 {
			publish(t, s, "", "x")
		}
		_, events := readAll(t, s, last, "")
		if len(events) != 3 || events[0].ID <= last || events[1].ID <= events[0].ID || events[2].ID <= events[1].ID {
			t.Fatalf("after %d at %v: %v", last, clock, ids(events))
		}
		if events[0].ID != want {
			t.Errorf("at %d the ID is %d, want %d", clock.UnixMicro(), events[0].ID, want)
		}
		last = events[2].ID
		s.Close()
	}
}

func TestOnlyTheStorePublishes(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir(), 0)
	if err := s.broker.Publish(t.Context(), sse.Event{Data: []byte("x")}); !errors.Is(err, sse.ErrNoID) {
		t.Errorf("the broker takes an event without an ID: %v", err)
	}
	defer func() {
		if recover() == nil {
			t.Error("a send to Notifier does not panic")
		}
	}()
	s.broker.Notifier <- sse.Event{Data: []byte("x")}
}

func TestWhatCannotBeAnEventIsRefused(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir(), 0)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		ctx  context.Context
		e    sse.Event
		want error
	}{
		{t.Context(), sse.Event{Name: "a\nb"}, sse.ErrName},
		{t.Context(), sse.Event{Topic: "a\nb"}, sse.ErrTopic},
		{t.Context(), sse.Event{Topic: strings.Repeat("x", 257)}, sse.ErrTopic},
		{t.Context(), sse.Event{ID: 7}, errHasID},
		{ended, sse.Event{}, context.Canceled},
	} {
		if err := s.Publish(test.ctx, test.e); !errors.Is(err, test.want) || errors.Is(err, ErrUncertain) {
			t.Errorf("%+v: %v, want %v", test.e, err, test.want)
		}
	}
	publish(t, s, strings.Repeat("x", 256), "")
	shutDown(t, s.broker)
	if err := s.Publish(t.Context(), sse.Event{}); !errors.Is(err, sse.ErrStopped) {
		t.Errorf("after the broker's end: %v", err)
	}
	s.Close()
	if err := s.Publish(t.Context(), sse.Event{}); !errors.Is(err, sse.ErrStopped) {
		t.Errorf("after Close: %v", err)
	}
	if got := s.Stats(); got.Events != 1 {
		t.Errorf("%d events are stored", got.Events)
	}
}

// A context that ends while its event is being stored leaves its publisher in doubt, and says so.
func TestPublisherThatLeavesMayHaveStoredItsEvent(t *testing.T) {
	t.Parallel()
	storing, goOn := make(chan struct{}, 10), make(chan struct{})
	var opened atomic.Bool
	s := openAt(t, t.TempDir(), 0, func() time.Time {
		if opened.Load() { // It is the committer, in its transaction.
			storing <- struct{}{}
			<-goOn
		}
		return time.Now()
	})
	opened.Store(true)
	ctx, cancel := context.WithCancel(t.Context())
	answer := make(chan error, 1)
	go func() { answer <- s.Publish(ctx, sse.Event{Data: []byte("in doubt")}) }()
	testkit.Receive(t, storing, "the event is being stored")
	if n := s.Stats().Waiting; n != 1 {
		t.Errorf("%d publications wait for the disk", n)
	}
	cancel()
	err := testkit.Receive(t, answer, "the publisher's error")
	if n := s.Stats().Waiting; n != 0 {
		t.Errorf("%d publications wait for the disk although nobody does", n)
	}
	close(goOn)
	if !errors.Is(err, ErrUncertain) || !errors.Is(err, context.Canceled) {
		t.Errorf("it gets %v", err)
	}
	publish(t, s, "", "after")
	if _, events := readAll(t, s, 0, ""); strings.Join(datas(events), ",") != "in doubt,after" {
		t.Errorf("%q is stored", datas(events))
	}
}

// What Publish has confirmed is on disk when Close has returned, once and in the order in which each publisher has published
// it, whatever was on its way.
func TestWhatWasConfirmedIsStoredOverClose(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for round := range 5 {
		s := openStore(t, dir, 0)
		_, before := readAll(t, s, 0, "")
		const publishers = 16
		var confirmed [publishers]int
		var publishing sync.WaitGroup
		for i := range publishers {
			publishing.Go(func() {
				for n := 0; ; n++ {
					err := s.Publish(t.Context(), sse.Event{Data: fmt.Appendf(nil, "%d %d %d", round, i, n)})
					if errors.Is(err, sse.ErrStopped) {
						confirmed[i] = n
						return
					}
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		testkit.Eventually(t, func() error {
			if s.Stats().Stored < 100 {
				return errors.New("not much is stored yet")
			}
			return nil
		})
		s.Close()
		testkit.Return(t, publishing.Wait, "the publishers' end")
		s = openStore(t, dir, 0)
		_, events := readAll(t, s, 0, "")
		var next [publishers]int
		for _, e := range events[len(before):] {
			var r, i, n int
			fmt.Sscan(string(e.Data), &r, &i, &n)
			if r != round || n != next[i] {
				t.Fatalf("%s comes where %d %d %d was to come", e.Data, round, i, next[i])
			}
			next[i]++
		}
		if next != confirmed {
			t.Errorf("stored are %v, confirmed were %v", next, confirmed)
		}
		s.Close()
	}
}
