package e2e

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/sse/internal/testkit"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// electedWithin is how long NATS may take to have leaders again. Each try to elect one takes it 4
// to 9 s, and on a busy machine some are in vain.
const electedWithin = 2 * time.Minute

func TestNATSLosesOneOfThreeServers(t *testing.T) {
	t.Parallel()
	nodes, urls := startNATSCluster(t, 3)
	servers := startServers(t, 2, "-nats", urls, "-nats-replicas", "3", "-interval", "500ms")
	fs := roam(t, 20, servers...)
	js := jetStream(t, urls, nats.PingInterval(time.Second)) // It has to notice a node that freezes.
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
		}, func(n *natsServer) { freeze(t, n) }, func(n *natsServer) { n.signal(syscall.SIGCONT) }},
	} {
		waitForIDWithin(t, electedWithin, fs, publishAgainWithin(t, electedWithin, js)) // A node that is back may have the stream change its leader.
		node := loss.which()
		loss.lose(node)
		lost := time.Now()
		waitForIDWithin(t, electedWithin, fs, publishAgainWithin(t, electedWithin, js))
		t.Logf("%s: %v to the next event at all clients", loss.what, time.Since(lost).Round(time.Millisecond))
		loss.restore(node)
		testkit.Eventually(t, func() error {
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

// leaderOf returns the stream's leader, once it has one.
func leaderOf(t *testing.T, nodes []*natsServer, stream jetstream.Stream) *natsServer {
	t.Helper()
	var i int
	testkit.Eventually(t, func() error {
		info, err := stream.Info(t.Context())
		if err != nil {
			return err
		}
		if _, err := fmt.Sscanf(info.Cluster.Leader, "node%d", &i); err != nil {
			return fmt.Errorf("the leader is %q: %w", info.Cluster.Leader, err)
		}
		return nil
	})
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
