package e2e

import (
	"context"
	"encoding/json"
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
		waitUntilReady(t, s)
	}
	return servers
}

func waitUntilReady(t *testing.T, s *server) {
	t.Helper()
	testkit.Eventually(t, func() error {
		if code := status(t, s); code != http.StatusOK {
			return fmt.Errorf("/healthz says %d", code)
		}
		return nil
	})
}

// status returns the status of /healthz.
func status(t *testing.T, s *server) int {
	t.Helper()
	resp, err := testkit.Client.Get(s.url + "/healthz")
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
	if err := json.Unmarshal(testkit.Get(t, testkit.Client, s.url+"/stats"), &figures); err != nil || figures.NATS == nil {
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
