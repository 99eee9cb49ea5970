package e2e

import (
	"net"
	"slices"
	"testing"

	"example.com/sse/internal/testkit"
)

// A natsServer is a nats-server with JetStream, which keeps its storage over a restart.
type natsServer struct {
	*server        // its url is that of the monitoring, which says when it serves
	client  string // nats://127.0.0.1:port
}

// newNATS returns a nats-server that does not run yet: restart starts it.
func newNATS(t *testing.T, args ...string) *natsServer {
	t.Helper()
	addr, monitoring := testkit.FreeAddr(t), testkit.FreeAddr(t)
	_, port, _ := net.SplitHostPort(addr)
	_, monitoringPort, _ := net.SplitHostPort(monitoring)
	n := &natsServer{client: "nats://" + addr}
	n.server = &server{t: t, addr: addr, url: "http://" + monitoring, command: slices.Concat(
		[]string{natsBinary, "-a", "127.0.0.1", "-p", port, "-m", monitoringPort, "-js", "-sd", t.TempDir()}, args)}
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
