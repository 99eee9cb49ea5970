package e2e

import (
	"bytes"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"example.com/sse/internal/testkit"
)

// A lockedBuffer collects what a process prints while others read it.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer // mu protects it
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// Print adds a line, as a *log.Logger does.
func (b *lockedBuffer) Print(v ...any) { fmt.Fprintln(b, v...) }

// Println is Print.
func (b *lockedBuffer) Println(v ...any) { b.Print(v...) }

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.TrimSpace(b.buf.String())
}

// run starts a command that ends with the test, and returns what it prints. When the test has failed,
// the last lines of that are logged.
func run(t *testing.T, name string, cmd *exec.Cmd) *lockedBuffer {
	t.Helper()
	printed := new(lockedBuffer)
	cmd.Stdout, cmd.Stderr = printed, printed
	testkit.EndWithTest(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("%s printed at last:\n%s", name, printed.tail(40))
		}
	})
	return printed
}

// tail returns the last lines, without those that say that clients come and go, and without
// the stacks that SIGQUIT prints.
func (b *lockedBuffer) tail(n int) string {
	text, _, _ := strings.Cut(b.String(), "SIGQUIT")
	lines := slices.DeleteFunc(strings.Split(text, "\n"), func(line string) bool {
		return strings.HasSuffix(line, "registered clients")
	})
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
