package e2e

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Iris would open a second port that redirects to the first.
func TestHTTPSListensOnNoOtherPort(t *testing.T) {
	t.Parallel()
	need(t, "/proc/self/net/tcp", "Linux")
	cert, key := certificate(t)
	s := start(t, "-cert", cert, "-key", key)
	if got := listeners(t, s.pid()); len(got) != 1 {
		t.Errorf("it listens on %d ports (local addresses in hex): %v", len(got), got)
	}
}

// listeners returns the local addresses on which a process listens, as /proc has them.
func listeners(t *testing.T, pid int) (addrs []string) {
	t.Helper()
	sockets := make(map[string]bool) // by inode
	fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if target, err := os.Readlink(fd); err == nil {
			sockets[target] = true
		}
	}
	for _, table := range []string{"tcp", "tcp6"} {
		file, err := os.Open(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		if err != nil {
			continue // no IPv6 here
		}
		defer file.Close()
		for lines := bufio.NewScanner(file); lines.Scan(); {
			const listening = "0A"
			f := strings.Fields(lines.Text())
			if len(f) > 9 && f[3] == listening && sockets["socket:["+f[9]+"]"] {
				addrs = append(addrs, f[1])
			}
		}
	}
	return addrs
}
