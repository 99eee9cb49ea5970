package sse

import (
	"testing"
	"testing/synctest"
	"time"

	"example.com/sse/sse/internal/transport"
)

// A slowTransport takes a while for each part.
type slowTransport struct {
	takes   time.Duration
	written chan<- time.Time
}

func (s slowTransport) Open([]byte) error { return nil }

func (s slowTransport) Write([]byte, *transport.Frame) error {
	time.Sleep(s.takes)
	s.written <- time.Now()
	return nil
}

func (s slowTransport) End()    {}
func (s slowTransport) CutOff() {}

// Clients that are each quick enough in their turn, but slow together, make the last of them wait for a
// bounded time, whatever they write to.
func TestClientsThatAreSlowInTurnDelayTheLastForABoundedTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBroker()
		written := make(chan time.Time, clientsPerBlockingWriter)
		clients := make([]*client, clientsPerBlockingWriter)
		for i := range clients {
			clients[i] = &client{broker: b, index: gone, out: slowTransport{lookInterval * 9 / 10, written}}
			clients[i].outbox.init()
			if !b.join(clients[i], "") {
				t.Fatal("the broker has stopped")
			}
			clients[i].writeAlone(nil)
		}
		published := time.Now()
		b.Notifier <- Event{ID: 1}
		for range clients {
			if delay := (<-written).Sub(published); delay > (maxLooks+1)*lookInterval {
				t.Fatalf("one gets the event after %v", delay)
			}
		}
		for _, c := range clients {
			c.ConnectionEnded(nil)
		}
		shutdown(t, b)
	})
}
