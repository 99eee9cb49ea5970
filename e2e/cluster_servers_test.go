package e2e

import (
	"fmt"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

func TestServersSpeakAsOne(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	servers := startServers(t, 3, "-nats", n.client)
	fs := roam(t, 300, servers...)
	var streams []*stream
	for _, s := range servers {
		streams = append(streams, subscribe(t, s.url+"/events", "1"))
	}
	js := jetStream(t, n.client)
	const burst = 2000
	began := time.Now()
	for i := range burst {
		if _, err := js.PublishAsync("sse.events", fmt.Appendf(nil, "event %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	testkit.Receive(t, js.PublishAsyncComplete(), "all is published")
	waitForID(t, fs, publish(t, js, "the last"))
	took := time.Since(began)
	t.Logf("%d events to %d clients of 3 servers in %v: %.0f events a second, %.0f deliveries",
		burst, len(fs), took, burst/took.Seconds(), burst*float64(len(fs))/took.Seconds())

	time.Sleep(4 * time.Second) // Some more ticks.
	events := stored(t, js)
	checkWhole(t, fs, idsOf(events))
	checkTicks(t, events, 2*time.Second, servers)
	checkStreamsStayedOpen(t, fs)
	for i, s := range streams {
		for _, want := range events {
			if id, data := s.next(); id != want.ID || data != want.Data {
				t.Fatalf("server %d sends %d %q, NATS holds %d %q", i, id, data, want.ID, want.Data)
			}
		}
	}
	for i, s := range servers {
		if connected, last := natsStats(t, s); !connected || last < events[len(events)-1].ID {
			t.Errorf("/stats of server %d: connected %v, last sequence %d", i, connected, last)
		}
	}
}

func TestClientsOfAKilledServerResumeAtAnother(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	servers := startServers(t, 3, "-nats", n.client)
	fs := roam(t, 300, servers...)
	js := jetStream(t, n.client)
	for range 2 {
		for _, s := range servers {
			waitForID(t, fs, publish(t, js, "before the kill"))
			clients := s.stats().Clients
			s.kill()
			killed := time.Now()
			// A client that is back has been told all that it missed.
			last := publish(t, js, "while they are away")
			waitForID(t, fs, last)
			t.Logf("%v from the kill to the last of %d clients' resume", time.Since(killed).Round(time.Millisecond), clients)
			s.restart()
		}
	}
	events := stored(t, js)
	checkWhole(t, fs, idsOf(events))
	checkTicks(t, events, 2*time.Second, servers)
}

func TestServerResumesClientsFromBeforeItsStart(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	n.serve()
	js := jetStream(t, n.client)
	var ids []int64
	for i := range 5000 { // more than a server reads when it starts
		ids = append(ids, publish(t, js, fmt.Sprint(i)))
	}
	late := n.serve()
	for _, i := range []int{1000, 3000, 4998} {
		resumed := subscribe(t, late.url+"/events", fmt.Sprint(ids[i]))
		for j := i + 1; j < len(ids); j++ {
			if id, data := resumed.next(); id != ids[j] || data != fmt.Sprint(j) {
				t.Fatalf("after event %d: got %d %q, want %d %q", i, id, data, ids[j], fmt.Sprint(j))
			}
		}
	}
	if missed := late.stats().ResumesIncomplete; missed != 0 {
		t.Errorf("%d resumes asked for more than was retained", missed)
	}
}

// A server that was cut off has fewer events than another, and can't place what that one's clients name.
func TestClientAheadOfItsServerGetsNothingTwice(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	line := newRelay(t, n.addr)
	late := (&natsServer{n.server, "nats://" + line.addr}).serve()
	ahead := n.serve()
	js := jetStream(t, n.client)
	live := subscribeLive(t, ahead)
	publish(t, js, "seen by both")
	waitForSequence(t, late, 1)
	line.cut()
	publish(t, js, "seen by one")
	live.next()
	last, _ := live.next()
	waitUntilDisconnected(t, late)
	moved := subscribe(t, late.url+"/events", fmt.Sprint(last))
	// The outage lasts longer than the 10 s that a broker waits by itself for a client's event.
	select {
	case m := <-moved.events:
		t.Fatalf("after %d: got %v during the outage", last, m)
	case <-time.After(11 * time.Second):
	}
	line.pass()
	next := publish(t, js, "new to the client")
	if id, _ := moved.next(); id != next {
		t.Errorf("after %d: got %d, want %d", last, id, next)
	}
}
