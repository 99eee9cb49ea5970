package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

func TestServersSpeakAsOne(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	servers := startServers(t, 3, "-nats", n.client, "-interval", "500ms")
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
	<-js.PublishAsyncComplete()
	waitForID(t, fs, publish(t, js, "the last"), 30*time.Second)
	took := time.Since(began)
	t.Logf("%d events to %d clients of 3 servers in %v: %.0f events a second, %.0f deliveries",
		burst, len(fs), took, burst/took.Seconds(), burst*float64(len(fs))/took.Seconds())

	time.Sleep(2 * time.Second) // Some more ticks.
	events := stored(t, js)
	checkWhole(t, fs, idsOf(events))
	checkTicks(t, events, 500*time.Millisecond)
	checkStreamsStayedOpen(t, fs)
	for i, s := range streams {
		for _, want := range events {
			if id, data := s.next(5 * time.Second); id != want.id || data != want.data {
				t.Fatalf("server %d sends %d %q, NATS holds %d %q", i, id, data, want.id, want.data)
			}
		}
	}
	for i, s := range servers {
		if connected, last := natsStats(t, s); !connected || last < events[len(events)-1].id {
			t.Errorf("/stats of server %d: connected %v, last sequence %d", i, connected, last)
		}
	}
}

func TestClientsOfAKilledServerResumeAtAnother(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	servers := startServers(t, 3, "-nats", n.client, "-interval", "500ms")
	fs := roam(t, 300, servers...)
	js := jetStream(t, n.client)
	for range 2 {
		for _, s := range servers {
			waitForID(t, fs, publish(t, js, "before the kill"), 10*time.Second)
			clients := s.stats().Clients
			s.kill()
			killed := time.Now()
			// A client that is back has been told all that it missed.
			last := publish(t, js, "while they are away")
			waitForID(t, fs, last, 10*time.Second)
			t.Logf("%v from the kill to the last of %d clients' resume", time.Since(killed).Round(time.Millisecond), clients)
			s.restart()
		}
	}
	events := stored(t, js)
	checkWhole(t, fs, idsOf(events))
	checkTicks(t, events, 500*time.Millisecond)
}

func TestServerResumesClientsFromBeforeItsStart(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	startServers(t, 1, "-nats", n.client, "-interval", "1h")
	js := jetStream(t, n.client)
	var ids []int64
	for i := range 5000 { // more than a server reads when it starts
		ids = append(ids, publish(t, js, fmt.Sprint(i)))
	}
	late := startServers(t, 1, "-nats", n.client, "-interval", "1h")[0]
	for _, i := range []int{1000, 3000, 4998} {
		resumed := subscribe(t, late.url+"/events", fmt.Sprint(ids[i]))
		for j := i + 1; j < len(ids); j++ {
			if id, data := resumed.next(5 * time.Second); id != ids[j] || data != fmt.Sprint(j) {
				t.Fatalf("after event %d: got %d %q, want %d %q", i, id, data, ids[j], fmt.Sprint(j))
			}
		}
	}
	if missed := late.stats().ResumesMissed; missed != 0 {
		t.Errorf("%d resumes asked for more than was held", missed)
	}
}

func TestNATSIsStoppedAndStarted(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	servers := startServers(t, 2, "-nats", n.client, "-interval", "250ms")
	fs := roam(t, 20, servers...)
	js := jetStream(t, n.client)
	publish(t, js, "before")
	for _, end := range []func(){func() { n.stop() }, n.kill} {
		end()
		eventually(t, 10*time.Second, func() error {
			if connected, _ := natsStats(t, servers[0]); connected {
				return fmt.Errorf("/stats says that NATS is connected")
			}
			return nil
		})
		if code := status(t, servers[0]); code != http.StatusOK {
			t.Errorf("/healthz says %d during an outage of NATS", code)
		}
		time.Sleep(time.Second)
		n.restart()
		again := time.Now()
		waitForID(t, fs, publishAgain(t, js), 10*time.Second)
		t.Logf("%v from the start of NATS to its first event at all clients", time.Since(again).Round(time.Millisecond))
	}
	waitForID(t, fs, publish(t, js, "the last"), 10*time.Second)
	checkWhole(t, fs, idsOf(stored(t, js)))
	checkStreamsStayedOpen(t, fs)
}

func TestNATSIsNotThereYetAtTheStart(t *testing.T) {
	t.Parallel()
	for _, absence := range []struct {
		what       string
		away, back func(n *natsServer)
	}{
		{"stopped", func(n *natsServer) { n.stop() }, func(n *natsServer) { n.restart() }},
		{"frozen", func(n *natsServer) { n.signal(syscall.SIGSTOP) }, func(n *natsServer) { n.signal(syscall.SIGCONT) }},
	} {
		t.Run(absence.what, func(t *testing.T) {
			t.Parallel()
			n := startNATS(t)
			js := jetStream(t, n.client)
			first := startServers(t, 1, "-nats", n.client, "-interval", "1h")[0]
			var ids []int64
			for i := range 10 {
				ids = append(ids, publish(t, js, fmt.Sprint(i)))
			}
			first.kill()
			absence.away(n)

			s := start(t, "-nats", n.client, "-interval", "1h")
			fresh, resumed := subscribe(t, s.url+"/events", ""), subscribe(t, s.url+"/events", fmt.Sprint(ids[4]))
			get(t, http.DefaultClient, s.url+"/")
			if code := status(t, s); code != http.StatusServiceUnavailable {
				t.Errorf("/healthz says %d before NATS was ever reached", code)
			}
			if connected, _ := natsStats(t, s); connected {
				t.Error("/stats says that NATS is connected")
			}
			eventually(t, 10*time.Second, func() error {
				if !strings.Contains(s.output(), "NATS: not there yet, trying again") {
					return fmt.Errorf("no line says that NATS is not there")
				}
				return nil
			})
			absence.back(n)
			waitUntilReady(t, s)
			ids = append(ids, publishAgain(t, js))
			if id, _ := fresh.next(5 * time.Second); id != ids[10] {
				t.Errorf("a client that waited, without an ID, gets event %d first, want the new one, %d", id, ids[10])
			}
			for _, want := range ids[5:] {
				if id, _ := resumed.next(5 * time.Second); id != want {
					t.Fatalf("a client that waited with an ID gets event %d, want %d", id, want)
				}
			}
			if n := strings.Count(s.output(), "trying again"); n > 3 {
				t.Errorf("%d lines about one outage", n)
			}
		})
	}
}

func TestNATSLosesOneOfThreeServers(t *testing.T) {
	t.Parallel()
	nodes, urls := startNATSCluster(t, 3)
	servers := startServers(t, 2, "-nats", urls, "-nats-replicas", "3", "-interval", "500ms")
	fs := roam(t, 20, servers...)
	js := jetStream(t, urls)
	stream, err := js.Stream(t.Context(), "SSE")
	if err != nil {
		t.Fatal(err)
	}
	if r := stream.CachedInfo().Config.Replicas; r != 3 {
		t.Fatalf("the stream has %d replicas", r)
	}
	for _, loss := range []struct {
		what          string
		which         func() *natsServer
		lose, restore func(*natsServer)
	}{
		{"the stream's leader is killed", func() *natsServer {
			return leaderOf(t, nodes, stream)
		}, func(n *natsServer) { n.kill() }, func(n *natsServer) { n.restart() }},
		{"the one that a server is connected to freezes", func() *natsServer {
			return nodeOf(t, nodes, servers[0])
		}, func(n *natsServer) { n.signal(syscall.SIGSTOP) }, func(n *natsServer) { n.signal(syscall.SIGCONT) }},
	} {
		waitForID(t, fs, publish(t, js, "before"), 10*time.Second)
		node := loss.which()
		loss.lose(node)
		lost := time.Now()
		waitForID(t, fs, publishAgain(t, js), 15*time.Second)
		t.Logf("%s: %v to the next event at all clients", loss.what, time.Since(lost).Round(time.Millisecond))
		loss.restore(node)
		eventually(t, 30*time.Second, func() error {
			info, err := stream.Info(t.Context())
			if err != nil {
				return err
			}
			for _, r := range info.Cluster.Replicas {
				if !r.Current {
					return fmt.Errorf("replica %s is not current", r.Name)
				}
			}
			return nil
		})
	}
	checkWhole(t, fs, idsOf(stored(t, js)))
	checkStreamsStayedOpen(t, fs)
	for i, s := range servers {
		// Both publish each tick, and the second may come while the first is on its way
		// to the replicas: no trouble.
		if strings.Contains(s.output(), "in process") {
			t.Errorf("server %d complains of a tick that another was publishing", i)
		}
	}
}

// leaderOf returns the stream's leader.
func leaderOf(t *testing.T, nodes []*natsServer, stream jetstream.Stream) *natsServer {
	t.Helper()
	info, err := stream.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var i int
	if _, err := fmt.Sscanf(info.Cluster.Leader, "node%d", &i); err != nil {
		t.Fatalf("the leader is %q: %v", info.Cluster.Leader, err)
	}
	return nodes[i]
}

// nodeOf returns the nats-server that one of our servers is connected to.
func nodeOf(t *testing.T, nodes []*natsServer, s *server) *natsServer {
	t.Helper()
	out := s.output()
	out = out[strings.LastIndex(out, "connected to "):]
	for _, n := range nodes {
		if strings.HasPrefix(out, "connected to "+n.addr) {
			return n
		}
	}
	t.Fatalf("%.40q names none of the nodes", out)
	return nil
}

func TestFrozenNATSReleasesNoBurstOfTicks(t *testing.T) {
	t.Parallel()
	const interval = 250 * time.Millisecond
	n := startNATS(t)
	servers := startServers(t, 2, "-nats", n.client, "-interval", interval.String())
	fs := roam(t, 20, servers...)
	js := jetStream(t, n.client)
	waitForID(t, fs, publish(t, js, "before"), 10*time.Second)
	n.signal(syscall.SIGSTOP)
	frozen := time.Now()
	time.Sleep(10 * time.Second) // longer than the pings take to find out
	thawed := time.Now()
	n.signal(syscall.SIGCONT)
	waitForID(t, fs, publishAgain(t, js), 10*time.Second)
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

func TestDeletedStreamIsMadeAgainWithHigherIDs(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	servers := startServers(t, 2, "-nats", n.client, "-interval", "250ms")
	fs := roam(t, 20, servers...)
	js := jetStream(t, n.client)
	before := publish(t, js, "before")
	waitForID(t, fs, before, 10*time.Second)
	if err := js.DeleteStream(t.Context(), "SSE"); err != nil {
		t.Fatal(err)
	}
	after := publishAgain(t, js)
	if after <= before {
		t.Fatalf("event %d follows event %d", after, before)
	}
	waitForID(t, fs, after, 10*time.Second)
	checkStreamsStayedOpen(t, fs)
}

func TestStreamMadeAgainByTheOperatorIsReadFromItsBeginning(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	s := startServers(t, 1, "-nats", n.client, "-interval", "1h")[0]
	js := jetStream(t, n.client)
	for i := range 20 {
		publish(t, js, fmt.Sprint("old ", i))
	}
	if err := js.DeleteStream(t.Context(), "SSE"); err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "SSE", Subjects: []string{"sse.events"}}); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		if id := publish(t, js, fmt.Sprint("new ", i)); id != int64(i+1) {
			t.Skip("the server was faster") // TestDeletedStreamIsMadeAgainWithHigherIDs is about that.
		}
	}
	eventually(t, 10*time.Second, func() error {
		if _, last := natsStats(t, s); last != 5 {
			return fmt.Errorf("the last sequence is %d", last)
		}
		return nil
	})
	all := subscribe(t, s.url+"/events", "0")
	for i := range 5 {
		if id, data := all.next(5 * time.Second); id != int64(i+1) || data != fmt.Sprint("new ", i) {
			t.Errorf("got %d %q as event %d", id, data, i+1)
		}
	}
}

// A server that was cut off is behind another, and can't place what that one's clients name.
func TestClientAheadOfItsServerGetsNothingTwice(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	line := newLine(t, n.addr)
	behind := startServers(t, 1, "-nats", "nats://"+line.addr, "-interval", "1h")[0]
	ahead := startServers(t, 1, "-nats", n.client, "-interval", "1h")[0]
	js := jetStream(t, n.client)
	live := subscribe(t, ahead.url+"/events", "")
	publish(t, js, "seen by both")
	eventually(t, 5*time.Second, func() error {
		if _, last := natsStats(t, behind); last == 0 {
			return fmt.Errorf("the first event is not there")
		}
		return nil
	})
	line.cut(true)
	publish(t, js, "seen by one")
	live.next(5 * time.Second)
	last, _ := live.next(5 * time.Second)
	eventually(t, 5*time.Second, func() error {
		if connected, _ := natsStats(t, behind); connected {
			return fmt.Errorf("the server is still connected")
		}
		return nil
	})
	moved := subscribe(t, behind.url+"/events", fmt.Sprint(last))
	line.cut(false)
	next := publish(t, js, "new to the client")
	if id, _ := moved.next(10 * time.Second); id != next {
		t.Errorf("after %d: got %d, want %d", last, id, next)
	}
}

func TestExistingStreamIsLeftAsItIs(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	js := jetStream(t, n.client)
	theirs := jetstream.StreamConfig{
		Name: "SSE", Subjects: []string{"sse.events", "other"}, Storage: jetstream.MemoryStorage,
		MaxMsgs: 1000, MaxAge: time.Hour, FirstSeq: 7,
	}
	made, err := js.CreateStream(t.Context(), theirs)
	if err != nil {
		t.Fatal(err)
	}
	before := made.CachedInfo().Config
	s := startServers(t, 1, "-nats", n.client, "-interval", "1h", "-nats-replicas", "3")[0]
	if _, err := js.Publish(t.Context(), "other", []byte("not for us")); err != nil {
		t.Fatal(err)
	}
	id := publish(t, js, "for us")
	all := subscribe(t, s.url+"/events", "1")
	if got, data := all.next(5 * time.Second); got != id || data != "for us" {
		t.Errorf("got %d %q, want %d", got, data, id)
	}
	after, err := made.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(before) != fmt.Sprint(after.Config) {
		t.Errorf("the stream was\n%+v and is\n%+v", before, after.Config)
	}
	lines := slices.DeleteFunc(strings.Split(s.output(), "\n"), func(line string) bool { return !strings.Contains(line, "differs") })
	if len(lines) != 1 {
		t.Fatalf("%d lines say what differs: %q", len(lines), lines)
	}
	for _, want := range []string{
		"subjects [sse.events other] and not [sse.events]", "storage Memory and not File", "max messages 1000 and not 65536",
		"max bytes -1 and not 67108864", "max age 1h0m0s and not 0s", "replicas 1 and not 3",
	} {
		if !strings.Contains(lines[0], want) {
			t.Errorf("%q does not say %q", lines[0], want)
		}
	}
}
