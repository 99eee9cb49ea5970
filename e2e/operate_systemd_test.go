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
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

// units returns a folder with the units of dist/, with the server where the test has it.
func units(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range []string{"sse.service", "sse.socket"} {
		text := strings.ReplaceAll(read(t, "../dist/"+name), "/usr/local/bin/sse", binary)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestUnitsAreHardenedAndRight(t *testing.T) {
	t.Parallel()
	need(t, "systemd-analyze", "apt-get install systemd")
	dir := units(t)
	service := filepath.Join(dir, "sse.service")
	out, err := exec.Command("systemd-analyze", "security", "--offline=true", service).CombinedOutput()
	exposure := regexp.MustCompile(`Overall exposure level for sse.service: (\S+)`).FindSubmatch(out)
	if exposure == nil {
		t.Fatalf("%v: %s", err, out)
	}
	if level, err := strconv.ParseFloat(string(exposure[1]), 64); err != nil || level > 1.5 {
		t.Errorf("the exposure is %s, %v", exposure[1], err)
	}
	out, err = exec.Command("systemd-analyze", "verify", "--man=no", service, filepath.Join(dir, "sse.socket")).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("%v: %s", err, out)
	}
}

// Of the system calls that the server makes, the unit allows all but those that raise limits, without which
// Go's runtime does.
func TestUnitAllowsTheSystemCallsThatTheServerMakes(t *testing.T) {
	t.Parallel()
	need(t, "systemd-analyze", "apt-get install systemd")
	need(t, "strace", "apt-get install strace")
	allowed := make(map[string]bool)
	for _, set := range []struct {
		name  string
		allow bool
	}{{"@system-service", true}, {"@privileged", false}, {"@resources", false}} {
		filter := "SystemCallFilter=" + set.name
		if !set.allow {
			filter = set.name
		}
		if !strings.Contains(read(t, "../dist/sse.service"), filter) {
			t.Errorf("the unit does not say %s", filter)
		}
		for _, name := range syscallsOf(t, set.name) {
			allowed[name] = set.allow
		}
	}
	for _, name := range syscallsOf(t, "@default") {
		allowed[name] = true
	}
	trace := filepath.Join(t.TempDir(), "trace")
	cert, key := certificate(t)
	s := startCommand(t, []string{"strace", "-f", "-qq", "-o", trace, binary}, "-interval", "50ms", "-cert", cert, "-key", key, "-publish-token-file", tokenFile(t))
	for _, http2 := range []bool{false, true} {
		stream := subscribeWith(t, trusting(t, cert, http2), s.url+"/events", "")
		stream.next()
		stream.close()
	}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%[1]d/task/%[1]d/children", s.pid()))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(children)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Kill(pid, syscall.SIGKILL) })
	syscall.Kill(pid, syscall.SIGTERM)
	testkit.Receive(t, s.exited, "the server ends")
	names := make(map[string]bool)
	for _, m := range regexp.MustCompile(`(?m)^\d+ +([a-z_0-9]+)\(`).FindAllStringSubmatch(read(t, trace), -1) {
		names[m[1]] = true
	}
	if len(names) < 15 {
		t.Fatalf("only %d system calls were seen", len(names))
	}
	for name := range names {
		if !allowed[name] && name != "setrlimit" && name != "execve" {
			t.Errorf("the unit forbids %s", name)
		}
	}
}

// syscallsOf returns the names in one of systemd's sets.
func syscallsOf(t *testing.T, set string) (names []string) {
	t.Helper()
	out, err := exec.Command("systemd-analyze", "syscall-filter", set).Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		switch name := strings.TrimSpace(line); {
		case strings.HasPrefix(name, "#") || name == set || name == "":
		case strings.HasPrefix(name, "@"):
			names = append(names, syscallsOf(t, name)...)
		default:
			names = append(names, name)
		}
	}
	return names
}

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
