// Package e2e runs the built server against what its users really have: browsers, clients,
// proxies, certificates, and everything that goes wrong. All of it is one package, so that one
// process builds the server once, bounds how many tests run at a time, and shares each browser; go vet and
// the compiler see what nobody uses any more. The beginning of a file's name says which of these it belongs to:
//
//	driver_    what the tests share: the server, its clients, browsers, NATS, curl, a relay that cuts or hangs
//	browser_   the page works in Chromium, Firefox and WebKit, whatever the stream, the reader and the browser do
//	client_    other people's clients, and pages of other frameworks, get each event at once, and resume
//	cluster_   servers on NATS speak as one, also over outages, and clients get from NATS what they lack
//	data_      what was confirmed is on the disk, whatever ends the server or fails the disk
//	document_  what the documents show runs as it is written, and what they name is there
//	example_   each program of examples/ does what it is an example of
//	fault_     the server survives what befalls its process, its log, its network and its clients
//	http_      requests, TLS and HTTP/2 keep their bounds: no peer costs much, or disturbs another
//	mount_     a broker keeps its promises in each framework, behind its middleware, and in the README's app
//	operate_   what operators use: health, figures, logs, draining, systemd, containers, archives
//	proxy_     nginx, HAProxy, Caddy and Apache, configured as docs/proxies shows, pass everything on
//	publish_   who publishes is told the truth, and what was taken is on every stream once
//	rights_    nobody reads or publishes without the right to, whatever is sent
//
// The folder clients has the programs of client_, and lint what go vet checks beside its own.
package e2e

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sse/internal/testkit"
)

// binary, natsBinary and clientsBinary are the paths of the server, of nats-server and of the clients in
// Go, built once for all tests.
var binary, natsBinary, clientsBinary string

func TestMain(m *testing.M) {
	os.Exit(testkit.Main(suite{m}, budgets))
}

// A suite is the tests, with what they share.
type suite struct{ *testing.M }

func (m suite) Run() int {
	dir, err := os.MkdirTemp("", "sse-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary, natsBinary, clientsBinary = filepath.Join(dir, "sse"), filepath.Join(dir, "nats-server"), filepath.Join(dir, "clients")
	// Before the tests: with an empty cache, on a busy machine, it takes longer than a test may.
	err = build(binary, "..", ".", "CGO_ENABLED=0") // as make does
	if err == nil {
		err = build(natsBinary, ".", "github.com/nats-io/nats-server/v2") // at the version in go.mod
	}
	if err == nil {
		err = build(clientsBinary, ".", "./clients")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	// Most tests that run at the same time only wait; go test would let as many run as
	// there are cores.
	flag.Parse()
	flag.Set("test.parallel", "4")
	code := m.M.Run()
	endSharedBrowsers()
	return code
}

// build builds a package, as the module in a folder has it, into a file.
func build(file, folder, pkg string, env ...string) error {
	cmd := exec.Command("go", "build", "-o", file, pkg)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", filepath.Base(file), err, out)
	}
	return nil
}

// need skips the test when a tool is not here: a name to be found on PATH, or a path with a
// slash. how says how to get it; internal/testrun repeats that at the end.
// Where CI=true nothing may be skipped: the test fails.
func need(t *testing.T, tool, how string) {
	t.Helper()
	var err error
	if strings.Contains(tool, "/") {
		_, err = os.Stat(tool)
	} else {
		_, err = exec.LookPath(tool)
	}
	if err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not here: %s", tool, how)
	}
	t.Skipf("%s is not here: %s", tool, how)
}
