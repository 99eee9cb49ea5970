package e2e

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/sse/internal/testkit"

	"golang.org/x/sys/unix"
)

// Whatever happens to what a server prints, its streams go on, new clients come in, and SIGTERM
// ends it cleanly.
func TestStreamsGoOnWhateverHappensToTheLog(t *testing.T) {
	t.Parallel()
	need(t, "/dev/full", "Linux")
	for _, test := range []struct {
		what   string
		script string                          // starts the server, "$@"
		output func(t *testing.T) (w *os.File) // what it prints to
	}{
		{"closed", `exec "$@" >&- 2>&-`, nil},
		{"a full disk", `exec "$@" >/dev/full 2>&1`, nil},
		{"a file that may not grow", `ulimit -f 1; exec "$@" >"$LOG" 2>&1`, nil},
		{"a pipe whose reader leaves", `exec "$@"`, pipeOutput(true)},
		{"a pipe that nobody reads", `exec "$@"`, pipeOutput(false)},
		{"a terminal that is stopped", `exec "$@"`, terminalOutput},
	} {
		t.Run(test.what, func(t *testing.T) {
			t.Parallel()
			cert, key := certificate(t)
			addr := testkit.FreeAddr(t)
			s := newServer(t, addr, "https://"+addr)
			// With few descriptors: the server has to say something for each client for which there is none.
			args := []string{"-c", "ulimit -n 40; " + test.script, "sh", binary, "-addr", addr, "-interval", "50ms", "-cert", cert, "-key", key}
			cmd := exec.Command("sh", args...)
			cmd.Env = append(os.Environ(), "LOG="+filepath.Join(t.TempDir(), "log"))
			if test.output != nil {
				out := test.output(t)
				defer out.Close()
				cmd.Stdout, cmd.Stderr = out, out
			}
			s.run(cmd)
			client := trusting(t, false)
			first := subscribeWith(t, client, s.url+"/events", "")
			first.next()
			for range 200 { // Each is an error line, which comes through net/http.
				conn := dial(t, s)
				io.WriteString(conn, "no TLS\n")
				conn.Close()
			}
			var many []net.Conn
			for range 60 { // more than there are descriptors for
				conn, err := net.DialTimeout("tcp", s.addr, testkit.Limit)
				if err != nil {
					t.Fatal(err)
				}
				many = append(many, conn)
			}
			time.Sleep(1500 * time.Millisecond) // It says so once a second.
			for _, conn := range many {
				conn.Close()
			}
			for range 100 {
				other := subscribeWith(t, client, s.url+"/events", "")
				other.close()
			}
			other := subscribeWith(t, client, s.url+"/events", "")
			other.next()
			newest, _ := other.next()
			first.upTo(newest)
			s.stop()
		})
	}
}

// pipeOutput returns a small pipe to print to, whose reader leaves after the first line or reads no more.
func pipeOutput(leaves bool) func(t *testing.T) *os.File {
	return func(t *testing.T) *os.File {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Close() })
		if _, err := unix.FcntlInt(w.Fd(), unix.F_SETPIPE_SZ, os.Getpagesize()); err != nil {
			t.Fatal(err)
		}
		if leaves {
			go func() {
				r.Read(make([]byte, 1))
				r.Close()
			}()
		}
		return w
	}
}

// terminalOutput returns a terminal to print to that is stopped, as with Ctrl-S.
func terminalOutput(t *testing.T) *os.File {
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { screen.Close() })
	if err := unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetInt(int(terminal.Fd()), unix.TCXONC, unix.TCOOFF); err != nil {
		t.Fatal(err)
	}
	return terminal
}

// A load balancer looks whether somebody listens by connecting and leaving again.
func TestClientThatConnectsAndLeavesIsNoErrorInTheLog(t *testing.T) {
	t.Parallel()
	s := startTLS(t, "-interval", never.String())
	leave := func(reset bool) {
		conn := dial(t, s)
		if reset {
			conn.(*net.TCPConn).SetLinger(0)
		}
		conn.Close()
	}
	leave(false)
	leave(true)
	// The line for this one comes after those for the others, if there were any.
	conn := dial(t, s)
	tls.Client(conn, &tls.Config{ServerName: "localhost", MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10, InsecureSkipVerify: true}).Handshake()
	s.waitForOutput("unsupported versions")
	if got := strings.Count(s.output(), "handshake error"); got != 1 {
		t.Errorf("%d lines:\n%s", got, s.output())
	}
	if line, _, _ := strings.Cut(s.output(), "\n"); line != "Now listening on: "+s.url+" (all topics are open)" {
		t.Errorf("the first line is %q", line)
	}
}
