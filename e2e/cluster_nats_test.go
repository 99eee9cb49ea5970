package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A natsServer is a nats-server with JetStream, which keeps its storage over a restart.
type natsServer struct {
	*server        // its url is that of the monitoring, which says when it serves
	client  string // nats://127.0.0.1:port
}

// buildNATS builds nats-server at the version in go.mod, once for all tests.
var buildNATS = sync.OnceValues(func() (path string, err error) {
	path = filepath.Join(filepath.Dir(binary), "nats-server")
	out, err := exec.Command("go", "build", "-o", path, "github.com/nats-io/nats-server/v2").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("building nats-server: %w\n%s", err, out)
	}
	return path, err
})

// newNATS returns a nats-server that does not run yet: restart starts it.
func newNATS(t *testing.T, args ...string) *natsServer {
	t.Helper()
	path, err := buildNATS()
	if err != nil {
		t.Fatal(err)
	}
	addr, monitoring := freeAddr(t), freeAddr(t)
	_, port, _ := net.SplitHostPort(addr)
	_, monitoringPort, _ := net.SplitHostPort(monitoring)
	n := &natsServer{client: "nats://" + addr}
	n.server = &server{t: t, addr: addr, url: "http://" + monitoring, command: slices.Concat(
		[]string{path, "-a", "127.0.0.1", "-p", port, "-m", monitoringPort, "-js", "-sd", t.TempDir()}, args)}
	t.Cleanup(func() {
		n.kill()
		if t.Failed() {
			t.Logf("the nats-server at %s printed at last:\n%s", addr, n.out.tail(20))
		}
	})
	return n
}

func startNATS(t *testing.T, args ...string) *natsServer {
	t.Helper()
	n := newNATS(t, args...)
	n.restart()
	return n
}

// startNATSCluster starts nats-servers that replicate streams.
func startNATSCluster(t *testing.T, size int) (nodes []*natsServer, urls string) {
	t.Helper()
	var routes, clients []string
	for range size {
		routes = append(routes, "nats://"+freeAddr(t))
	}
	for i, route := range routes {
		n := newNATS(t, "-n", fmt.Sprint("node", i), "-cluster_name", "test", "-cluster", route, "-routes", strings.Join(routes, ","))
		nodes, clients = append(nodes, n), append(clients, n.client)
		n.restart()
	}
	return nodes, strings.Join(clients, ",")
}

// jetStream connects to NATS as a stranger would.
func jetStream(t *testing.T, urls string, options ...nats.Option) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect(urls, slices.Concat([]nats.Option{nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1),
		nats.ReconnectWait(50 * time.Millisecond), nats.PingInterval(time.Second), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})}, options)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// publish publishes a payload as a stranger would, and returns its event's ID.
func publish(t *testing.T, js jetstream.JetStream, payload string) int64 {
	t.Helper()
	ack, err := js.Publish(t.Context(), "sse.events", []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	return int64(ack.Sequence)
}

// publishAgain publishes as soon as NATS lets it, and returns the event's ID.
func publishAgain(t *testing.T, js jetstream.JetStream) (id int64) {
	t.Helper()
	eventually(t, 30*time.Second, func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		ack, err := js.Publish(ctx, "sse.events", []byte("again"))
		if err == nil {
			id = int64(ack.Sequence)
		}
		return err
	})
	return id
}

// A storedEvent is an event as NATS holds it.
type storedEvent struct {
	message
	boundary int64 // of a tick, in ns since 1970; 0 for any other
}

// stored returns all events that NATS holds.
func stored(t *testing.T, js jetstream.JetStream) (events []storedEvent) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var consumer jetstream.Consumer
	eventually(t, 20*time.Second, func() (err error) {
		consumer, err = js.CreateConsumer(ctx, "SSE", jetstream.ConsumerConfig{AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, Replicas: 1})
		return err
	})
	for left := consumer.CachedInfo().NumPending; left > 0; {
		batch, err := consumer.Fetch(int(min(left, 1000)), jetstream.FetchContext(ctx))
		if err != nil {
			t.Fatal(err)
		}
		for msg := range batch.Messages() {
			meta, err := msg.Metadata()
			if err != nil {
				t.Fatal(err)
			}
			e := storedEvent{message: message{id: int64(meta.Sequence.Stream), data: string(msg.Data())}}
			if boundary, ok := strings.CutPrefix(msg.Headers().Get(jetstream.MsgIDHeader), "tick-"); ok {
				e.boundary, err = strconv.ParseInt(boundary, 10, 64)
				if err != nil {
					t.Fatal(err)
				}
			}
			events = append(events, e)
			left--
		}
		if batch.Error() != nil {
			t.Fatal(batch.Error())
		}
	}
	return events
}

func idsOf(events []storedEvent) (ids []int64) {
	for _, e := range events {
		ids = append(ids, e.id)
	}
	return ids
}

// checkTicks fails the test unless the ticks among the events are one an interval, from the
// first to the last.
func checkTicks(t *testing.T, events []storedEvent, interval time.Duration) {
	t.Helper()
	var last int64
	for _, e := range events {
		if e.boundary == 0 {
			continue
		}
		if step := e.boundary - last; last != 0 && step != int64(interval) {
			t.Errorf("the tick %d comes %v after the last", e.id, time.Duration(step))
		}
		last = e.boundary
	}
}

// startServers starts servers on one NATS and waits until they are ready.
func startServers(t *testing.T, n int, args ...string) (servers []*server) {
	t.Helper()
	for range n {
		s := start(t, args...)
		servers = append(servers, s)
		waitUntilReady(t, s)
	}
	return servers
}

func waitUntilReady(t *testing.T, s *server) {
	t.Helper()
	eventually(t, 20*time.Second, func() error {
		if code := status(t, s); code != http.StatusOK {
			return fmt.Errorf("/healthz says %d", code)
		}
		return nil
	})
}

// status returns the status of /healthz.
func status(t *testing.T, s *server) int {
	t.Helper()
	resp, err := http.Get(s.url + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// natsStats is what /stats tells of NATS.
func natsStats(t *testing.T, s *server) (connected bool, lastSequence int64) {
	t.Helper()
	var figures struct {
		NATS *struct {
			Connected    bool  `json:"connected"`
			LastSequence int64 `json:"last_sequence"`
		} `json:"nats"`
	}
	if err := json.Unmarshal(get(t, http.DefaultClient, s.url+"/stats"), &figures); err != nil || figures.NATS == nil {
		t.Fatalf("/stats does not tell of NATS: %v", err)
	}
	return figures.NATS.Connected, figures.NATS.LastSequence
}

// roam starts followers that, as through a load balancer, come to any of the servers that
// runs, each time they connect. It waits until all are connected.
func roam(t *testing.T, n int, servers ...*server) (fs []*follower) {
	t.Helper()
	dial := func(ctx context.Context, network, _ string) (conn net.Conn, err error) {
		for _, i := range rand.Perm(len(servers)) {
			if conn, err = new(net.Dialer).DialContext(ctx, network, servers[i].addr); err == nil {
				return conn, nil
			}
		}
		return nil, err
	}
	client := &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	for range n {
		fs = append(fs, follow(t, client, "http://servers.test/events"))
	}
	waitUntilOpened(t, fs, 1, 30*time.Second)
	return fs
}

// checkStreamsStayedOpen fails the test where a follower had to come back.
func checkStreamsStayedOpen(t *testing.T, fs []*follower) {
	t.Helper()
	for i, f := range fs {
		if n := f.timesOpened(); n != 1 {
			t.Errorf("follower %d had to open its stream %d times", i, n)
		}
	}
}
