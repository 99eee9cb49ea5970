package e2e

import (
	"debug/elf"
	"fmt"
	"os/exec"
	"strings"
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

// Iris would open a second port that redirects to the first.
func TestHTTPSListensOnNoOtherPort(t *testing.T) {
	t.Parallel()
	need(t, "/proc/self/net/tcp", "Linux")
	s := startTLS(t)
	if got := listeners(t, s.pid()); len(got) != 1 {
		t.Errorf("it listens on %d ports (local addresses in hex): %v", len(got), got)
	}
}
