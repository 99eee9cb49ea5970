package sse

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"example.com/sse/internal/testkit"
)

func TestPublishedEventsReachTheirClient(t *testing.T) {
	b, server := newServer(t)
	s := open(t, server.URL, "Last-Event-ID", "0")
	if err := b.Publish(t.Context(), Event{ID: 1, Name: "alert", Data: []byte("a")}); err != nil {
		t.Fatal(err)
	}
	if e := s.want(t, 1, "a"); e.Name != "alert" {
		t.Errorf("the event's name is %q", e.Name)
	}
}

func TestWhatPublishAcceptsGoesOutBeforeShutdownEndsTheStreams(t *testing.T) {
	b, server := newServer(t)
	s := open(t, server.URL)
	eventually(t, "registered", func() bool { return b.Stats().Clients == 1 })
	var accepted atomic.Int64
	var publishers sync.WaitGroup
	enough := make(chan struct{})
	for range 20 {
		publishers.Go(func() {
			for range 1000 { // All of it is less than the history retains.
				switch err := b.Publish(t.Context(), Event{Data: payload}); err {
				case nil:
					if accepted.Add(1) == 1000 {
						close(enough)
					}
				case ErrStopped:
					return
				default:
					t.Error(err)
					return
				}
			}
		})
	}
	publishers.Go(func() {
		<-enough
		shutdown(t, b)
	})
	var received int64
	for {
		if _, err := s.Next(); err != nil {
			break
		}
		received++
	}
	testkit.Return(t, publishers.Wait, "all publishers end")
	if received != accepted.Load() {
		t.Errorf("Publish accepted %d events, the client received %d", accepted.Load(), received)
	}
}

func TestEventWithoutIDIsRefusedWhereTheSourceNumbersEvents(t *testing.T) {
	b := NewBroker()
	defer shutdown(t, b)
	b.Hold()
	b.Release()
	if err := b.Publish(t.Context(), Event{}); err != ErrNoID {
		t.Errorf("without an ID: %v", err)
	}
	if err := b.Publish(t.Context(), Event{ID: 1}); err != nil {
		t.Errorf("with an ID: %v", err)
	}
}

func TestNameThatIsNoTextIsRefusedByPublishAndReplacedInNotifier(t *testing.T) {
	b, server := newServer(t)
	s := open(t, server.URL, "Last-Event-ID", "0")
	for _, name := range []string{"a\nb", "a\rb", "a\x00b", "caf\xe9", "a\tb"} {
		if err := b.Publish(t.Context(), Event{Name: name}); err != ErrName {
			t.Errorf("%q: %v", name, err)
		}
	}
	if err := b.Publish(t.Context(), Event{ID: 1, Name: "Preis €", Data: []byte("a")}); err != nil {
		t.Error(err)
	}
	b.Notifier <- Event{ID: 2, Name: "caf\xe9\nid: 9", Data: []byte("b\xff")}
	if e := s.want(t, 1, "a"); e.Name != "Preis €" {
		t.Errorf("the event's name is %q", e.Name)
	}
	if e := s.want(t, 2, "b\ufffd"); e.Name != "caf\ufffd\ufffdid: 9" {
		t.Errorf("the event's name is %q", e.Name)
	}
}

func TestClosedNotifierEndsThatWayIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBroker()
		b.Notifier <- Event{}
		close(b.Notifier)
		synctest.Wait()
		if events := b.Stats().Events; events != 1 {
			t.Errorf("%d events, want the one that was sent", events)
		}
		if err := b.Publish(t.Context(), Event{}); err != nil {
			t.Error(err)
		}
		shutdown(t, b)
	})
}

func TestPublishEndsWithItsContext(t *testing.T) {
	b := new(Broker) // Without a listen.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Publish(ctx, Event{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Publish says %v", err)
	}
}
