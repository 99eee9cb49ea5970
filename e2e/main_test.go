// Package e2e runs the built server against what its users really have: browsers, clients,
// proxies, certificates, and everything that goes wrong.
package e2e

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// binary is the path of the server, built once for all tests.
var binary string

// missing is what need did not find.
var missing struct {
	sync.Mutex
	how   map[string]string   // a tool, and how to get it
	tests map[string][]string // a tool, and the tests that wanted it
}

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "sse-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "sse")
	build := exec.Command("go", "build", "-o", binary, ".")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the server: %v\n%s", err, out)
		return 1
	}
	// Most tests that run at the same time only wait; go test would let as many run as
	// there are cores.
	flag.Parse()
	flag.Set("test.parallel", "4")
	code := m.Run()
	endSharedBrowsers()
	printMissing()
	return code
}

// need skips the test when a tool is not here: a name to be found on PATH, or a path with a
// slash. What was skipped is told in the run's last lines, along with how to get the tool.
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
	missing.Lock()
	if missing.how == nil {
		missing.how, missing.tests = make(map[string]string), make(map[string][]string)
	}
	missing.how[tool] = how
	missing.tests[tool] = append(missing.tests[tool], t.Name())
	missing.Unlock()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not here: %s", tool, how)
	}
	t.Skipf("%s is not here: %s", tool, how)
}

func printMissing() {
	missing.Lock()
	defer missing.Unlock()
	var lines []string
	for tool, tests := range missing.tests {
		lines = append(lines, fmt.Sprintf("  without %s (to get it: %s):\n    %s\n", tool, missing.how[tool], strings.Join(tests, " ")))
	}
	if len(lines) > 0 {
		slices.Sort(lines)
		fmt.Print("\nNOT TESTED:\n", strings.Join(lines, ""))
	}
}
