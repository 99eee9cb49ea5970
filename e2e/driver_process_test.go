package e2e

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"example.com/sse/internal/testkit"
)

// In an image of nothing else there is no C library.
func TestBinaryNeedsNoLibrary(t *testing.T) {
	t.Parallel()
	program, err := elf.Open(binary)
	if err != nil {
		t.Skip(err) // no Linux
	}
	defer program.Close()
	for _, part := range program.Progs {
		if part.Type == elf.PT_INTERP {
			t.Error("the kernel has to load another program first")
		}
	}
	need(t, "make", "apt-get install make")
	made := exec.CommandContext(t.Context(), "make", "-n", "-C", "..", "build")
	if commands, err := made.CombinedOutput(); err != nil || !strings.Contains(string(commands), "CGO_ENABLED=0 go build") {
		t.Errorf("make builds another: %v, %s", err, commands)
	}
}

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

// What -history allows is no memory that a server takes before there are events.
func TestIdleServersMemoryDoesNotDependOnItsHistory(t *testing.T) {
	t.Parallel()
	need(t, "/proc/self/status", "run on Linux")
	const slack = 8 << 10 // KiB, of the runtime's own
	small := start(t, "-history", "1")
	usual := start(t)
	large := start(t, "-history", "1073741824")
	testkit.Eventually(t, func() error {
		least := processFigures(t, small.pid())
		for _, s := range []*server{usual, large} {
			if p := processFigures(t, s.pid()); p.rss > least.rss+slack {
				return fmt.Errorf("with a history of one byte %v, with %q %v", least, s.command[1:], p)
			}
		}
		return nil
	})
}
