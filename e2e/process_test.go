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
	"time"
)

// A process is what Linux tells about one.
type process struct {
	fds, threads int
	rss          int // resident memory in KiB
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
	status, err := os.ReadFile(dir + "status")
	if err != nil {
		t.Fatal(err)
	}
	p.fds = len(fds)
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSuffix(strings.TrimSpace(value), " kB")
		switch name {
		case "Threads":
			p.threads, err = strconv.Atoi(value)
		case "VmRSS":
			p.rss, err = strconv.Atoi(value)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// goroutines ends a server with SIGQUIT, for which Go's runtime prints all goroutines, and
// returns how many there were.
func goroutines(t *testing.T, s *server) int {
	t.Helper()
	s.signal(syscall.SIGQUIT)
	select {
	case <-s.exited:
	case <-time.After(stopWithin):
		t.Fatal("the server still runs after SIGQUIT")
	}
	n := len(regexp.MustCompile(`(?m)^goroutine \d+ .*\[`).FindAllString(s.output(), -1))
	if n == 0 {
		t.Fatal("the server printed no goroutine")
	}
	return n
}
