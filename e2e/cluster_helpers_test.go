package e2e

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"testing"

	"example.com/sse/internal/testkit"
)

// startServers starts servers on one NATS and waits until they are ready.
func startServers(t *testing.T, n int, args ...string) (servers []*server) {
	t.Helper()
	for range n {
		s := start(t, args...)
		servers = append(servers, s)
		s.waitForStatus(http.StatusOK)
	}
	return servers
}

// natsStats is what /stats tells of NATS.
func natsStats(t *testing.T, s *server) (connected bool, lastSequence int64) {
	t.Helper()
	told := figures[struct {
		NATS *struct {
			Connected    bool  `json:"connected"`
			LastSequence int64 `json:"last_sequence"`
		} `json:"nats"`
	}](s)
	if told.NATS == nil {
		t.Fatal("/stats does not tell of NATS")
	}
	return told.NATS.Connected, told.NATS.LastSequence
}

// waitForSequence waits until a server has read an event from NATS, or a later one.
func waitForSequence(t *testing.T, s *server, id int64) {
	t.Helper()
	testkit.Eventually(t, func() error {
		if _, last := natsStats(t, s); last < id {
			return fmt.Errorf("the last event read is %d, want %d", last, id)
		}
		return nil
	})
}

// waitUntilDisconnected waits until a server has no connection to NATS.
func waitUntilDisconnected(t *testing.T, s *server) {
	t.Helper()
	testkit.Eventually(t, func() error {
		if connected, _ := natsStats(t, s); connected {
			return errors.New("/stats says that NATS is connected")
		}
		return nil
	})
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
	client := testkit.StreamClient(&http.Transport{DialContext: dial, DisableKeepAlives: true})
	for range n {
		fs = append(fs, follow(t, client, "http://servers.test/events"))
	}
	waitUntilOpened(t, fs, 1)
	return fs
}

// checkStreamsStayedOpen fails the test where a follower had to reconnect.
func checkStreamsStayedOpen(t *testing.T, fs []*follower) {
	t.Helper()
	for i, f := range fs {
		if n := f.timesOpened(); n != 1 {
			t.Errorf("follower %d had to open its stream %d times", i, n)
		}
	}
}

// subscribeLive opens a server's stream and waits until it is registered: the stream's header is there
// before that, and an event between the two would not be seen.
func subscribeLive(t *testing.T, s *server) *stream {
	t.Helper()
	before := s.stats().Clients
	watching := subscribe(t, s.url+"/events", "")
	s.waitForClients(before + 1)
	return watching
}
