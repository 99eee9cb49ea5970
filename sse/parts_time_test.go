package sse

import (
	"testing"
	"testing/synctest"
	"time"

	"example.com/sse/sse/internal/transport"
)

// A notingTransport notes who is written to, and takes a while for each part.
type notingTransport struct {
	slowTransport
	name  int
	noted *[]int // owned by the one writer
}

func (n notingTransport) Write(part []byte, _ *transport.Frame) error {
	time.Sleep(n.takes)
	*n.noted = append(*n.noted, n.name)
	return nil
}

// Who has missed the whole history keeps the other clients of its writer from their next event for a part alone.
func TestClientThatHasMissedMuchDelaysTheOthersOfItsWriterByOnePart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBroker()
		var noted []int
		w := &writer{}
		for i := range clientsPerWriter {
			c := &client{broker: b, index: gone, out: notingTransport{slowTransport{takes: time.Microsecond}, i, &noted}}
			c.outbox.init()
			c.users.Add(1)
			c.outbox.put(batch{bytes: payload})
			if i == clientsPerWriter/2 {
				c.outbox.takeBack()
				c.outbox.put(batch{bytes: make([]byte, smallHistory)})
			}
			c.next, w.list = w.list, c
		}
		serve(w)
		parts := smallHistory / maxPart
		if len(noted) != clientsPerWriter-1+parts {
			t.Errorf("%d writes", len(noted))
		}
		before := map[int]int{} // how many parts of the much were written before each client's event
		for _, name := range noted {
			if before[name]++; name != clientsPerWriter/2 && before[clientsPerWriter/2] > 1 {
				t.Errorf("client %d waits for %d parts", name, before[clientsPerWriter/2])
			}
		}
		shutdown(t, b)
	})
}

// While that goes on, the others get what comes meanwhile at once, too: from other writers, or from this one.
func TestEventsThatComeWhileAClientResumesAreNotDelayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBroker()
		if err := b.Publish(t.Context(), Event{ID: 1, Data: make([]byte, smallHistory)}); err != nil {
			t.Fatal(err)
		}
		written := make(chan time.Time, 1000)
		join := func(out slowTransport, resumes bool) *client {
			c := &client{broker: b, index: gone, out: out}
			if resumes {
				c.beginning = resumeAfter("0")
			}
			c.outbox.init()
			if !b.join(c, "") {
				t.Fatal("the broker has stopped")
			}
			synctest.Wait()
			return c
		}
		clients := []*client{join(slowTransport{takes: time.Millisecond, written: make(chan time.Time, 1000)}, true)}
		go clients[0].writeAlone(nil)
		for range clientsPerWriter - 1 {
			c := join(slowTransport{written: written}, false)
			c.writeAlone(nil)
			clients = append(clients, c)
		}
		for id := range int64(5) {
			published := time.Now()
			b.Notifier <- Event{ID: id + 2}
			for range clientsPerWriter - 1 {
				if delay := (<-written).Sub(published); delay > 0 {
					t.Fatalf("event %d comes after %v", id+2, delay)
				}
			}
			time.Sleep(time.Millisecond)
		}
		for _, c := range clients {
			c.ConnectionEnded(nil)
			c.users.Wait()
		}
		shutdown(t, b)
	})
}
