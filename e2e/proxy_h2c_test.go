package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
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
	write(t, filepath.Join(dir, "Caddyfile"), config)
	caddy := exec.Command("caddy", "run", "--adapter", "caddyfile", "--config", "Caddyfile")
	caddy.Dir = dir
	caddy.Env = append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	run(t, "Caddy", caddy)
	waitForOK(t, "http://"+addr+"/healthz")
	var streams []*stream
	for range 20 {
		streams = append(streams, subscribe(t, "http://"+addr+"/events", ""))
	}
	for _, stream := range streams {
		stream.next()
	}
	s.waitForClients(20)
	connections := 0
	for _, socket := range socketsOf(t, caddy.Process.Pid) {
		if socket.state == established && hasPort(socket.remote, s.addr) {
			connections++
		}
	}
	if connections != 1 {
		t.Errorf("it has %d connections for 20 streams", connections)
	}
	for _, stream := range streams[:10] {
		stream.close()
	}
	s.waitForClients(10)
	for _, stream := range streams[10:] {
		stream.next()
	}
}
