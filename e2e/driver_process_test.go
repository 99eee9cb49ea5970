package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"example.com/sse/internal/testkit"
)

// A process is what Linux tells about one.
type process struct {
	fds, threads int
	rss, peak    int // resident memory in KiB, now and at most
}

func (p process) String() string {
	return fmt.Sprintf("%d files, %d threads, %.1f MiB", p.fds, p.threads, float64(p.rss)/1024)
}

func processFigures(t *testing.T, pid int) (p process) {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d/", pid)
	fds, err := filepath.Glob(dir + "fd/*")
	if err != nil {
		t.Fatal(err)
	}
	p.fds = len(fds)
	for line := range strings.Lines(read(t, dir+"status")) {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSuffix(strings.TrimSpace(value), " kB")
		switch name {
		case "Threads":
			p.threads, err = strconv.Atoi(value)
		case "VmRSS":
			p.rss, err = strconv.Atoi(value)
		case "VmHWM":
			p.peak, err = strconv.Atoi(value)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// childOf returns the process that another one has started.
func childOf(t *testing.T, parent int) (pid int) {
	t.Helper()
	if _, err := fmt.Sscan(read(t, fmt.Sprintf("/proc/%[1]d/task/%[1]d/children", parent)), &pid); err != nil {
		t.Fatal(err)
	}
	return pid
}

// isStopped returns an error unless SIGSTOP has stopped all threads of a process.
func isStopped(pid int) error {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil || len(threads) == 0 {
		return fmt.Errorf("process %d has no threads: %v", pid, err)
	}
	for _, thread := range threads {
		stat, err := os.ReadFile(thread)
		if err == nil && !strings.Contains(string(stat), ") T ") {
			return fmt.Errorf("a thread is not stopped: %.60s", stat)
		}
	}
	return nil
}

// goroutines ends a server with SIGQUIT, for which Go's runtime prints all goroutines, and
// returns how many there were.
func goroutines(t *testing.T, s *server) int {
	t.Helper()
	s.signal(syscall.SIGQUIT)
	testkit.Receive(t, s.exited, "the server ends after SIGQUIT")
	n := len(regexp.MustCompile(`(?m)^goroutine \d+ .*\[`).FindAllString(s.output(), -1))
	if n == 0 {
		t.Fatal("the server printed no goroutine")
	}
	return n
}
