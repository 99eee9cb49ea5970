package e2e

import (
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"example.com/sse/internal/testkit"
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
	addr, monitoring := testkit.FreeAddr(t), testkit.FreeAddr(t)
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
