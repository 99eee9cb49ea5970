package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

func TestNATSIsStoppedAndStarted(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	servers := startServers(t, 2, "-nats", n.client, "-interval", "250ms")
	fs := roam(t, 20, servers...)
	js := jetStream(t, n.client)
	before := publish(t, js, "before")
	waitForID(t, fs, before)
	for _, end := range []func(){n.stop, n.kill} {
		end()
		waitUntilDisconnected(t, servers[0])
		if code := servers[0].status(); code != http.StatusOK {
			t.Errorf("/healthz says %d during an outage of NATS", code)
		}
		// What this server holds it gives without NATS.
		resumed := subscribe(t, servers[0].url+"/events", fmt.Sprint(before-1))
		if id, _ := resumed.next(); id != before {
			t.Errorf("a client that resumes during an outage gets %d, want %d", id, before)
		}
		resumed.close()
		time.Sleep(time.Second)
		n.restart()
		again := time.Now()
		waitForID(t, fs, publishAgain(t, js))
		t.Logf("%v from the start of NATS to its first event at all clients", time.Since(again).Round(time.Millisecond))
	}
	waitForID(t, fs, publish(t, js, "the last"))
	checkWhole(t, fs, idsOf(stored(t, js)))
	checkStreamsStayedOpen(t, fs)
	for i, s := range servers {
		if strings.Contains(s.output(), "created again") {
			t.Errorf("server %d takes the stream of a NATS that was restarted for another one", i)
		}
	}
}

func TestNATSIsNotThereYetAtTheStart(t *testing.T) {
	t.Parallel()
	for _, absence := range []struct {
		what       string
		away, back func(*testing.T, *natsServer)
	}{
		{"stopped", func(_ *testing.T, n *natsServer) { n.stop() }, func(_ *testing.T, n *natsServer) { n.restart() }},
		{"frozen", freeze, func(_ *testing.T, n *natsServer) { n.signal(syscall.SIGCONT) }},
	} {
		t.Run(absence.what, func(t *testing.T) {
			t.Parallel()
			n := startNATS(t)
			js := jetStream(t, n.client)
			first := n.serve()
			var ids []int64
			for i := range 10 {
				ids = append(ids, publish(t, js, fmt.Sprint(i)))
			}
			first.kill()
			absence.away(t, n)

			s := start(t, "-nats", n.client, "-interval", never.String())
			fresh, resumed := subscribeLive(t, s), subscribe(t, s.url+"/events", fmt.Sprint(ids[4]))
			testkit.Get(t, testkit.Client, s.url+"/")
			if code := s.status(); code != http.StatusServiceUnavailable {
				t.Errorf("/healthz says %d before NATS was ever reached", code)
			}
			if connected, _ := natsStats(t, s); connected {
				t.Error("/stats says that NATS is connected")
			}
			s.waitForOutput("NATS: not there yet, trying again")
			absence.back(t, n)
			s.waitForStatus(http.StatusOK)
			ids = append(ids, publishAgain(t, js))
			if id, _ := fresh.next(); id != ids[10] {
				t.Errorf("a client that waited, without an ID, gets event %d first, want the new one, %d", id, ids[10])
			}
			for _, want := range ids[5:] {
				if id, _ := resumed.next(); id != want {
					t.Fatalf("a client that waited with an ID gets event %d, want %d", id, want)
				}
			}
			if n := strings.Count(s.output(), "trying again"); n > 3 {
				t.Errorf("%d lines about one outage", n)
			}
		})
	}
}

func TestFrozenNATSReleasesNoBurstOfTicks(t *testing.T) {
	t.Parallel()
	const interval = 250 * time.Millisecond
	n := startNATS(t)
	servers := startServers(t, 2, "-nats", n.client, "-interval", interval.String())
	fs := roam(t, 20, servers...)
	js := jetStream(t, n.client)
	waitForID(t, fs, publish(t, js, "before"))
	freeze(t, n)
	frozen := time.Now()
	time.Sleep(10 * time.Second) // longer than the pings take to find out
	thawed := time.Now()
	n.signal(syscall.SIGCONT)
	waitForID(t, fs, publishAgain(t, js))
	time.Sleep(4 * interval)
	events := stored(t, js)
	var old int
	for _, e := range events {
		if at := time.Unix(0, e.boundary); at.After(frozen.Add(interval)) && at.Before(thawed.Add(-interval)) {
			old++
		}
	}
	// One was on its way from each server.
	if old > len(servers) {
		t.Errorf("%d ticks of the time when NATS was frozen", old)
	}
	checkWhole(t, fs, idsOf(events))
	checkStreamsStayedOpen(t, fs)
}
