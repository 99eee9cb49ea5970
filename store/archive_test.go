package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"example.com/sse/internal/testkit"
	"example.com/sse/sse"
)

func TestArchiveMergesTenThousandTopics(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir(), 0)
	topics := make([]string, 10_000)
	for i := range topics {
		topics[i] = fmt.Sprint("topic/", i)
	}
	fill(t, s, func(i int) sse.Event {
		topic := topics[i*7919%len(topics)]
		if i%3 == 0 {
			topic = "busy"
		}
		return sse.Event{Topic: topic, Data: fmt.Append(nil, i)}
	}, 25_000*100)
	_, all := readAll(t, s, 0, append(topics, "busy")...)
	if len(all) < 20_000 || !slices.IsSortedFunc(all, func(a, b sse.Event) int { return int(a.ID - b.ID) }) {
		t.Fatalf("%d events, or not in their order", len(all))
	}
	for i, e := range all {
		if string(e.Data) != fmt.Sprint(i) {
			t.Fatalf("event %d is %s", i, e.Data)
		}
	}
	middle := all[len(all)/2].ID
	complete, half := readAll(t, s, middle, topics...)
	want := slices.DeleteFunc(slices.Clone(all), func(e sse.Event) bool { return e.ID <= middle || e.Topic == "busy" })
	if !complete || !slices.EqualFunc(half, want, same) {
		t.Errorf("after the middle there are %d events, want %d; complete: %t", len(half), len(want), complete)
	}
}

// A reader of a quiet topic gets exactly its events, wherever they are: those that a busy topic has pushed out of the window, too.
// And there is no gap for a reader whose topic has lost nothing since.
func TestBusyTopicDoesNotPushOutAQuietOne(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir(), 100_000)
	s.db.NoSync = true
	born := s.state.born
	for i := range keepEvents + 3 {
		publish(t, s, "quiet", fmt.Sprint(i))
	}
	publish(t, s, "other", "alone")
	data := []byte(strings.Repeat("x", 500))
	fill(t, s, func(int) sse.Event { return sse.Event{Topic: "busy", Data: data} }, 500_000)
	publish(t, s, "quiet", "last")
	complete, events := readAll(t, s, born, "quiet")
	if got := strings.Join(datas(events), " "); complete || got != "4 5 6 7 8 9 10 11 12 last" {
		t.Errorf("the quiet topic has %s, complete: %t", got, complete)
	}
	if complete, rest := readAll(t, s, events[0].ID, "quiet", "other", "never"); !complete || len(rest) != 10 {
		t.Errorf("after its first event there are %q, complete: %t", datas(rest), complete)
	}
	if complete, all := readAll(t, s, born, "other"); !complete || len(all) != 1 {
		t.Errorf("the other topic has %q, complete: %t", datas(all), complete)
	}
	if complete, _ := readAll(t, s, events[0].ID, "busy"); complete {
		t.Error("what was evicted of the busy topic is not missed")
	}
	if complete, _ := readAll(t, s, born-1, "other"); complete {
		t.Error("what was published before the file was created is not missed")
	}
}

// A client that takes nothing holds neither a transaction nor anybody else up, and when it reads on after its events were evicted
// it gets an error, and not others.
func TestSlowReaderHoldsNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openStore(t, dir, 1<<20)
	s.db.NoSync = true
	data := []byte(strings.Repeat("x", 5000))
	busy := func(int) sse.Event { return sse.Event{Topic: "busy", Data: data} }
	fill(t, s, busy, 2<<20)
	size := fileSize(t, dir)
	_, events := s.read(t.Context(), []string{"busy"}, s.state.evicted)
	n := 0
	var last error
	for e, err := range events {
		last = err
		if n++; n == 1 { // The client takes no more until all else is published.
			fill(t, s, busy, 20<<20)
			if _, others := readAll(t, s, e.ID, "other"); len(others) > 0 {
				t.Error("another reader gets its events")
			}
			if now := fileSize(t, dir); now > 2*size {
				t.Errorf("the file grows from %d to %d bytes", size, now)
			}
		}
		if n > 2*pieceBytes/len(data) {
			t.Fatal("it reads on where events are missing")
		}
	}
	if !errors.Is(last, errOvertaken) {
		t.Errorf("after %d events the sequence ends with %v", n, last)
	}
}

func TestArchiveEndsWithItsContextAndItsStore(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir(), 0)
	s.db.NoSync = true
	data := []byte(strings.Repeat("x", 1000))
	fill(t, s, func(int) sse.Event { return sse.Event{Data: data} }, 1<<20)
	lastErr := func(ctx context.Context, do func()) (n int, last error) {
		_, events := s.read(ctx, []string{""}, s.state.born)
		for _, err := range events {
			if n++; n == 1 {
				do()
			}
			last = err
		}
		return n, last
	}
	ctx, cancel := context.WithCancel(t.Context())
	if n, err := lastErr(ctx, cancel); !errors.Is(err, context.Canceled) || n > 2*pieceBytes/len(data) {
		t.Errorf("after its context's end it reads %d events, %v", n, err)
	}
	if n, err := lastErr(t.Context(), func() { s.Close() }); !errors.Is(err, errClosed) || n > 2*pieceBytes/len(data) {
		t.Errorf("after Close it reads %d events, %v", n, err)
	}
	if complete, events := s.read(t.Context(), []string{""}, s.state.born); complete {
		t.Errorf("after Close it has all: %v", events)
	}
}

// Many read while many publish: each gets what was there when it began, once and in order.
func TestManyReadWhileManyPublish(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir(), 0)
	publish(t, s, "t/0", "first")
	var working sync.WaitGroup
	for i := range 8 {
		working.Go(func() {
			for n := range 50 {
				if err := s.Publish(t.Context(), sse.Event{Topic: fmt.Sprint("t/", i%3), Data: fmt.Append(nil, n)}); err != nil {
					t.Error(err)
				}
			}
		})
		working.Go(func() {
			for range 20 {
				fed := s.fed.Load()
				complete, events := s.read(t.Context(), []string{"t/0", "t/1", "t/2"}, s.options.Bytes)
				last := int64(0)
				for e, err := range events {
					if err != nil || e.ID <= last {
						t.Errorf("%d comes after %d, %v", e.ID, last, err)
						return
					}
					last = e.ID
				}
				if last < fed || complete {
					t.Errorf("the last is %d, and the broker was given %d; complete: %t", last, fed, complete)
				}
			}
		})
	}
	testkit.Return(t, working.Wait, "the readers' and the publishers' end")
}
