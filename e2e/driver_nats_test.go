package e2e

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
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
	return &natsServer{newServer(t, addr, "http://"+monitoring, slices.Concat(
		[]string{natsBinary, "-a", "127.0.0.1", "-p", port, "-m", monitoringPort, "-js", "-sd", t.TempDir()}, args)...), "nats://" + addr}
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
		routes = append(routes, "nats://"+testkit.FreeAddr(t))
	}
	for i, route := range routes {
		n := newNATS(t, "-n", fmt.Sprint("node", i), "-cluster_name", "test", "-cluster", route, "-routes", strings.Join(routes, ","))
		nodes, clients = append(nodes, n), append(clients, n.client)
		n.restart()
	}
	return nodes, strings.Join(clients, ",")
}

// as returns the nats-server for a user, who is a name and a password with a colon between them, or a token.
func (n *natsServer) as(user string) *natsServer {
	return &natsServer{n.server, strings.Replace(n.client, "://", "://"+user+"@", 1)}
}

// serve starts a server of ours on the nats-server, and waits until it is ready. It ticks only where args say so.
func (n *natsServer) serve(args ...string) *server {
	n.t.Helper()
	return startServers(n.t, 1, append([]string{"-nats", n.client, "-interval", never.String()}, args...)...)[0]
}

// stop asks the nats-server to end, and waits for that.
func (n *natsServer) stop() {
	n.t.Helper()
	n.signal(syscall.SIGTERM)
	testkit.Receive(n.t, n.exited, "NATS ends after SIGTERM")
}

// freeze stops a nats-server, and waits until all its threads have stopped: the signal is only
// on its way when it is sent.
func freeze(t *testing.T, n *natsServer) {
	t.Helper()
	n.signal(syscall.SIGSTOP)
	testkit.Eventually(t, func() error { return isStopped(n.pid()) })
}
