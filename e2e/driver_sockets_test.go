package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The states of TCP in /proc/net/tcp.
const established, listening = "01", "0A"

// A socket is what Linux tells about one of TCP. Addresses are as /proc/net/tcp has them: hexadecimal, with the port at the end.
type socket struct {
	local, remote, state string
	unacknowledged       int // how many bytes the kernel keeps because the other end has not acknowledged them
	inode                string
}

// hasPort tells whether an address of a socket has the port of another address.
func hasPort(hex, addr string) bool {
	_, port, _ := strings.Cut(addr, ":")
	n, err := strconv.Atoi(port)
	return err == nil && strings.HasSuffix(hex, fmt.Sprintf(":%04X", n))
}

// sockets returns all sockets of TCP.
func sockets(t *testing.T) (all []socket) {
	t.Helper()
	for _, table := range []string{"tcp", "tcp6"} {
		text, err := os.ReadFile("/proc/net/" + table)
		if err != nil {
			continue // no IPv6 here
		}
		for line := range strings.Lines(string(text)) {
			f := strings.Fields(line)
			if len(f) < 10 || f[0] == "sl" {
				continue
			}
			queue, _, _ := strings.Cut(f[4], ":")
			n, err := strconv.ParseInt(queue, 16, 64)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, socket{f[1], f[2], f[3], int(n), f[9]})
		}
	}
	return all
}

// socketsOf returns the sockets of a process.
func socketsOf(t *testing.T, pid int) (own []socket) {
	t.Helper()
	files := make(map[string]bool)
	names, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if target, err := os.Readlink(name); err == nil {
			files[target] = true
		}
	}
	for _, s := range sockets(t) {
		if files["socket:["+s.inode+"]"] {
			own = append(own, s)
		}
	}
	return own
}

// listeners returns the local addresses on which a process listens.
func listeners(t *testing.T, pid int) (addrs []string) {
	t.Helper()
	for _, s := range socketsOf(t, pid) {
		if s.state == listening {
			addrs = append(addrs, s.local)
		}
	}
	return addrs
}
