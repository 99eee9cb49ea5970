package sse

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"example.com/sse/internal/testkit"
)

func TestShutdownEndsAllStreamsAndCutsOffWhoDoesNotRead(t *testing.T) {
	check := settled(t)
	b, server := newTinyServer(t)
	data := strings.Repeat("x", 64<<10)
	stalled := dialStalled(t, server)
	eventually(t, "the stalled client registered", func() bool { return b.Stats().Clients == 1 })
	for id := range int64(50) {
		b.Notifier <- Event{ID: id + 1, Data: []byte(data)} // The stalled client's socket is full.
	}
	eventually(t, "all events taken", func() bool { return b.Stats().Events == 50 })
	var streams []stream
	for range 50 {
		streams = append(streams, open(t, server.URL))
	}
	eventually(t, "all registered", func() bool { return b.Stats().Clients == 51 })
	b.Notifier <- Event{ID: 51, Data: []byte("the last")}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- b.Shutdown(ctx) }()
	for _, s := range streams {
		s.want(t, 51, "the last")
		s.wantEnd(t)
		s.response.Body.Close()
	}
	eventually(t, "all but the stalled client have left", func() bool { return b.Stats().Clients == 1 })
	cancel()
	err := testkit.Receive(t, done, "Shutdown returns")
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), " 1 ") {
		t.Errorf("Shutdown cut off one client and says %v", err)
	}
	late := open(t, server.URL)
	if late.response.StatusCode != http.StatusOK {
		t.Errorf("a stopped broker answers %s: the client won't reconnect", late.response.Status)
	}
	late.wantEnd(t)
	late.response.Body.Close()
	stalled.Close()
	server.Close()
	check()
	if err := b.Shutdown(t.Context()); err != nil {
		t.Errorf("a second Shutdown says %v", err)
	}
}

func TestEventsSentBeforeShutdownAreTaken(t *testing.T) {
	for range 100 { // listen may see the events first, or the end.
		b := NewBroker()
		for range 10 {
			b.Notifier <- Event{}
		}
		shutdown(t, b)
		if events := b.Stats().Events; events != 10 {
			t.Fatalf("%d of 10 events", events)
		}
	}
}

func TestSendingToAStoppedBrokerDoesNotHang(t *testing.T) {
	b := NewBroker()
	shutdown(t, b)
	for range 2 * notifierBuffer {
		select {
		case b.Notifier <- Event{}:
		case <-b.Done():
		}
	}
}

func TestHeldClientsArePlacedOnRelease(t *testing.T) {
	b, server := newServer(t)
	b.Hold()
	resuming := open(t, server.URL, "Last-Event-ID", "20")
	live := open(t, server.URL)
	eventually(t, "registered", func() bool { return b.Stats().Clients == 2 })
	send(t, b, 10, 20, 30) // The source fills the history.
	known := open(t, server.URL, "Last-Event-ID", "10")
	b.Release()
	known.want(t, 20, "20")
	known.want(t, 30, "30")
	b.Notifier <- Event{ID: 40, Data: []byte("40")}
	resuming.want(t, 30, "30")
	resuming.want(t, 40, "40")
	known.want(t, 40, "40")
	live.want(t, 40, "40")
	b.Hold() // The source catches up.
	again := open(t, server.URL, "Last-Event-ID", "30")
	again.want(t, 40, "40") // Its place is known: it need not wait.
}

// Who joins while Shutdown begins with a context that has ended is cut off like the others.
func TestShutdownWithAnEndedContextLeavesNobody(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for range 200 {
		b := NewBroker()
		var joining sync.WaitGroup
		for range 4 {
			joining.Go(func() {
				ours, theirs := net.Pipe() // Nobody reads.
				defer ours.Close()
				c := newClient(b, theirs)
				left := make(chan struct{})
				c.ended = func() { close(left) }
				if b.join(c, "") {
					b.watcher.Watch(c.socket)
					<-left
				}
			})
		}
		b.Shutdown(ended)
		testkit.Return(t, joining.Wait, "all are cut off")
	}
}
