package e2e

import (
	"bytes"
	"slices"
	"strings"
	"sync"
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

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.TrimSpace(b.buf.String())
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
