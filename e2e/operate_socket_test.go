package e2e

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

func TestSystemdIsToldTheTruth(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket})
	if err != nil {
		t.Skip(err) // Windows
	}
	defer conn.Close()
	told := make(chan string, 100)
	go func() {
		for buf := make([]byte, 1000); ; {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			told <- string(buf[:n])
		}
	}()
	next := func(want string) {
		t.Helper()
		if got := testkit.Receive(t, told, want); got != want {
			t.Errorf("systemd is told %q, want %q", got, want)
		}
	}
	s := startCommand(t, []string{"env", "NOTIFY_SOCKET=" + socket, binary}, "-interval", "50ms", "-drain", "1s")
	next("READY=1\nSTATUS=0 clients")
	stream := subscribe(t, s.url+"/events", "")
	next("STATUS=1 clients")
	s.signal(syscall.SIGTERM)
	next("STOPPING=1")
	stream.end()
	testkit.Receive(t, s.exited, "the server ends")
}

// With a socket that stays open while the server restarts, every connection is accepted, and every request answered in the end.
func TestRestartWithASocketThatStaysOpenRefusesNobody(t *testing.T) {
	t.Parallel()
	need(t, "/proc/self/status", "run on Linux")
	listener, err := net.Listen("tcp", testkit.FreeAddr(t))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	socket, err := listener.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	url := "http://" + listener.Addr().String()
	serve := func() (*exec.Cmd, *lockedBuffer) {
		// The shell's process becomes the server's, as systemd's does.
		cmd := exec.Command("sh", "-c", `LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"`, "sh", binary, "-addr", "127.0.0.1:1", "-interval", "50ms")
		cmd.ExtraFiles = []*os.File{socket}
		return cmd, run(t, "the server", cmd)
	}
	cmd, out := serve()
	testkit.Eventually(t, func() error { return lacks(out.String(), "Now listening on: "+url) })
	var answered, refused atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	asking := make(chan struct{})
	go func() {
		defer close(asking)
		client := &http.Client{Timeout: testkit.Limit, Transport: &http.Transport{DisableKeepAlives: true}}
		for ctx.Err() == nil {
			resp, err := client.Get(url + "/healthz")
			if err == nil {
				resp.Body.Close()
				answered.Add(1)
			} else if errors.Is(err, syscall.ECONNREFUSED) {
				refused.Add(1)
			}
		}
	}()
	stream := subscribe(t, url+"/events", "")
	stream.next()
	for range 5 {
		before := answered.Load()
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		testkit.Return(t, func() { cmd.Wait() }, "the server's end")
		time.Sleep(100 * time.Millisecond) // Nobody serves, and who connects waits.
		cmd, _ = serve()
		testkit.Eventually(t, func() error {
			if n := answered.Load() - before; n < 5 {
				return fmt.Errorf("%d requests were answered since the restart", n)
			}
			return nil
		})
		stream.end()
		stream = subscribe(t, url+"/events", "")
		stream.next()
	}
	cancel()
	testkit.Receive(t, asking, "the last request")
	if n := refused.Load(); n > 0 {
		t.Errorf("%d connections were refused, %d requests answered", n, answered.Load())
	}
	t.Logf("%d requests were answered", answered.Load())
}
