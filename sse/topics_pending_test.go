package sse

import (
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// What is pending for a client of several topics may be evicted before the client reads it: it is still
// written, as long as nothing else comes for the client that would follow it.
func TestPendingEventOfAQuietTopicThatIsEvictedIsStillWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(Options{History: 10_000})
		ours, theirs := net.Pipe()
		c := newClient(b, theirs)
		if !b.join(c, "quiet", "other") {
			t.Fatal("the broker has stopped")
		}
		b.watcher.Watch(c.socket)
		go c.writeFirst([]byte("retry: 1000\n"))
		synctest.Wait() // The first write blocks in the pipe.
		b.Notifier <- Event{ID: 1, Topic: "quiet", Data: []byte("pending")}
		synctest.Wait()
		for id := int64(2); id < 50; id++ {
			b.Notifier <- Event{ID: id, Topic: "busy", Data: make([]byte, 9_000)}
		}
		time.Sleep(DefaultHeartbeat + time.Second) // A heartbeat is due.
		if clients := b.Stats().Clients; clients != 1 {
			t.Fatalf("%d clients", clients)
		}
		s := newParser(ours)
		if e, err := s.Next(); err != nil || e.Data != "pending" {
			t.Errorf("got %+v, %v", e, err)
		}
		ours.Close()
		shutdown(t, b)
	})
}

// While a source is away for hours, clients come and go: nothing of those who have left remains.
func TestClientsThatLeaveWhileTheyAreHeldLeaveNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBroker()
		b.Hold()
		for range 1000 {
			ours, theirs := net.Pipe()
			c := newClient(b, theirs)
			left := make(chan struct{})
			c.ended = func() { close(left) }
			if !b.join(c, "") {
				t.Fatal("the broker has stopped")
			}
			ours.Close()
			b.watcher.Watch(c.socket)
			<-left
		}
		synctest.Wait()
		if n := len(b.waiting); n > 100 {
			t.Errorf("%d clients are remembered", n)
		}
		shutdown(t, b)
	})
}
