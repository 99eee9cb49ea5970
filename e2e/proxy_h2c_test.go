package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sse/internal/testkit"
)

// Caddy speaks HTTP/2 without TLS to a server that is named h2c://, with one connection for all streams.
func TestProxyNeedsOneConnectionOverHTTP2WithoutTLS(t *testing.T) {
	t.Parallel()
	need(t, "caddy", "apt-get install caddy")
	need(t, "/proc/net/tcp", "Linux")
	s := start(t, "-interval", "100ms")
	dir, addr := t.TempDir(), testkit.FreeAddr(t)
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf("{\nadmin off\nauto_https off\ndefault_bind 127.0.0.1\n}\n:%s {\nreverse_proxy h2c://%s\n}\n", port, s.addr)
	if err := os.WriteFile(filepath.Join(dir, "Caddyfile"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	caddy := exec.Command("caddy", "run", "--adapter", "caddyfile", "--config", "Caddyfile")
	caddy.Dir = dir
	caddy.Env = append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	run(t, "Caddy", caddy)
	testkit.Eventually(t, func() error {
		resp, err := testkit.Client.Get("http://" + addr + "/healthz")
		if err == nil {
			resp.Body.Close()
		}
		return err
	})
	var streams []*stream
	for range 20 {
		streams = append(streams, subscribe(t, "http://"+addr+"/events", ""))
	}
	for _, stream := range streams {
		stream.next()
	}
	s.waitForClients(20)
	if n := connections(t, s, caddy.Process.Pid); n != 1 {
		t.Errorf("it has %d connections for 20 streams", n)
	}
	for _, stream := range streams[:10] {
		stream.close()
	}
	s.waitForClients(10)
	for _, stream := range streams[10:] {
		stream.next()
	}
}

// connections returns how many connections a process has to a server.
func connections(t *testing.T, s *server, pid int) (n int) {
	t.Helper()
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	tcpAddr, err := net.ResolveTCPAddr("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	sockets := make(map[string]bool) // of the process, by inode
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name, _ := os.Readlink(file)
		sockets[name] = true
	}
	for line := range strings.Lines(string(table)) {
		// The remote address in hexadecimal, the state, of which 01 is established, and the inode.
		fields := strings.Fields(line)
		if strings.HasSuffix(fields[2], fmt.Sprintf(":%04X", tcpAddr.Port)) && fields[3] == "01" && sockets["socket:["+fields[9]+"]"] {
			n++
		}
	}
	return n
}
