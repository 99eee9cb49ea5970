package sse

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// overEachProtocolServing is overEachProtocol for a broker with options, and for requests that get what
// stream says.
func overEachProtocolServing(t *testing.T, options Options, stream func() Stream, test func(t *testing.T, b *Broker, open func(header ...string) io.Reader)) {
	overEachProtocolTo(t, func(*testing.T) (*Broker, http.Handler) {
		b := New(options)
		return b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { b.Serve(w, r, stream()) })
	}, test)
}

// wantText reads a part of a stream, and checks it.
func (s stream) wantText(t *testing.T, want string) {
	t.Helper()
	got := ""
	for len(got) < len(want) {
		line, err := s.Line()
		if got += line; err != nil {
			t.Fatalf("got %.200q, then %v; want %.200q", got, err, want)
		}
	}
	if got != want {
		t.Fatalf("got %.200q, want %.200q", got, want)
	}
}

// wantRetry reads a reconnection time.
func (s stream) wantRetry(t *testing.T) {
	t.Helper()
	if line, err := s.Line(); !strings.HasPrefix(line, "retry: ") || err != nil {
		t.Fatalf("got %q, %v; want a reconnection time", line, err)
	}
}

func TestFirstComesBeforeAllElseAndHasNoID(t *testing.T) {
	large := strings.Repeat("x", 3*maxPart)
	first := func() Stream {
		return Stream{First: []Event{{ID: 7, Name: "snapshot", Data: []byte("a\nb")}, {Data: []byte(large)}, {}}}
	}
	overEachProtocolServing(t, Options{}, first, func(t *testing.T, b *Broker, open func(...string) io.Reader) {
		for id := range int64(3) {
			if err := b.Publish(t.Context(), Event{ID: id + 1}); err != nil {
				t.Fatal(err)
			}
		}
		s := stream{Parser: newParser(open("Last-Event-ID", "1"))}
		s.wantRetry(t)
		// Without an ID a client's last event ID stays what it was (section 9.2.6).
		s.wantText(t, "event: snapshot\ndata: a\ndata: b\n\n"+"data: "+large+"\n\n"+"data: \n\n")
		s.wantText(t, "id: 2\ndata: \n\nid: 3\ndata: \n\n")
		b.Notifier <- Event{ID: 4}
		s.wantText(t, "id: 4\ndata: \n\n")
		shutdown(t, b)
	})
}

func TestUntilEndsAStreamAfterAllThatWasPublishedBefore(t *testing.T) {
	until := func() Stream { return Stream{Until: time.Now().Add(time.Minute)} }
	overEachProtocolServing(t, Options{}, until, func(t *testing.T, b *Broker, open func(...string) io.Reader) {
		start := time.Now()
		s := stream{Parser: newParser(open())}
		wait := publishEachSecond(t, b, 1)
		for id := int64(1); id < 60; id++ {
			s.want(t, id, "")
		}
		for { // The event of the last second may come before the end, or not.
			if _, err := s.Next(); err != nil {
				if err != io.EOF {
					t.Errorf("it ends with %v", err)
				}
				break
			}
		}
		if took := time.Since(start); took != time.Minute {
			t.Errorf("it ends after %v", took)
		}
		b.Shutdown(t.Context())
		wait()
	})
}

func TestStreamWhoseTimeHasPassedEndsAfterWhatItsClientHasMissed(t *testing.T) {
	past := func() Stream { return Stream{Until: time.Now().Add(-time.Second)} }
	for _, held := range []bool{false, true} {
		overEachProtocolServing(t, Options{}, past, func(t *testing.T, b *Broker, open func(...string) io.Reader) {
			large := strings.Repeat("x", 1<<20)
			if err := b.Publish(t.Context(), Event{ID: 5, Data: []byte(large)}); err != nil {
				t.Fatal(err)
			}
			id := "3"
			if held { // The history has no place for the client yet, so there is nothing that it has missed.
				b.Hold()
				id = "7"
			}
			start := time.Now()
			s := stream{Parser: newParser(open("Last-Event-ID", id))}
			if !held {
				s.want(t, 5, large)
			}
			s.wantEnd(t)
			synctest.Wait()
			if clients := b.Stats().Clients; clients != 0 || time.Since(start) != 0 {
				t.Errorf("%d clients are left after %v", clients, time.Since(start))
			}
			shutdown(t, b)
		})
	}
}

// What waits for the end of a round comes before the end of a stream.
func TestUntilEndsAStreamAfterWhatWaitsForARound(t *testing.T) {
	until := func() Stream { return Stream{Until: time.Now().Add(maxRound / 2)} }
	overEachProtocolServing(t, Options{}, until, func(t *testing.T, b *Broker, open func(...string) io.Reader) {
		s := stream{Parser: newParser(open())}
		s.wantRetry(t)
		synctest.Wait()
		b.writers.lanes[few].running.n.Add(fewWriters) // As if another client were being written to.
		b.Notifier <- Event{ID: 1}
		synctest.Wait()
		s.want(t, 1, "")
		s.wantEnd(t)
		shutdown(t, b)
	})
}

// The timer of a client that has left would keep the client.
func TestUntilLeavesNoTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBroker()
		c := &client{broker: b, index: gone, out: slowTransport{}, ends: &ending{at: time.Now().Add(time.Hour)}}
		c.outbox.init()
		if !b.join(c, "") {
			t.Fatal("the broker has stopped")
		}
		c.ConnectionEnded(nil)
		synctest.Wait()
		if c.ends.timer.Stop() {
			t.Error("it still runs")
		}
		shutdown(t, b)
	})
}

// Who does not read the last of a stream that has ended for it is cut off like any other.
func TestWhoDoesNotReadTheLastOfItsStreamIsCutOff(t *testing.T) {
	// Something has been pending for the client before, for less than it may be.
	const begun = DefaultHeartbeat + DefaultHeartbeat/3
	until := func() Stream { return Stream{Until: time.Now().Add(begun)} }
	overEachProtocolServing(t, Options{}, until, func(t *testing.T, b *Broker, open func(...string) io.Reader) {
		if err := b.Publish(t.Context(), Event{ID: 1, Data: make([]byte, 1<<20)}); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		open("Last-Event-ID", "0") // It does not read.
		synctest.Wait()
		b.Notifier <- Event{ID: 2}
		for b.Stats().Clients > 0 && time.Since(start) < time.Hour {
			time.Sleep(time.Second)
		}
		least, most := begun+2*DefaultHeartbeat, begun+3*DefaultHeartbeat+time.Second
		if took := time.Since(start); took < least || took > most {
			t.Errorf("cut off after %v", took)
		}
		if slow := b.Stats().SlowClients; slow != 1 {
			t.Errorf("%d slow clients", slow)
		}
		shutdown(t, b)
	})
}
