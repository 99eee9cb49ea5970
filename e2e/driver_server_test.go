package e2e

import (
	"crypto/tls"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

// never is an interval at which nothing is published while a test runs. With NATS events come at the
// multiples of the interval since 1970: every hour would be in the middle of a test now and then.
const never = 100 * 365 * 24 * time.Hour

// A server is the binary, running with a port of its own.
type server struct {
	addr string // 127.0.0.1:port
	url  string // http://127.0.0.1:port, or https:// when it got a certificate

	t       *testing.T
	command []string      // what starts it, with all arguments
	cmd     *exec.Cmd     // the running process
	exited  chan struct{} // closed when cmd has ended
	out     lockedBuffer  // what all its processes printed
}

// newServer returns a server that does not run yet: restart starts it. It is killed at the
// test's end; when the test has failed, what it printed is logged.
func newServer(t *testing.T, addr, url string, command ...string) *server {
	t.Helper()
	s := &server{t: t, addr: addr, url: url, command: command}
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			t.Logf("the server at %s printed at last:\n%s", addr, s.out.tail(40))
		}
	})
	return s
}

// start runs the server with the given flags and waits until it answers.
func start(t *testing.T, args ...string) *server {
	t.Helper()
	return startCommand(t, []string{binary}, args...)
}

// startTLS is start with the certificate that all tests share.
func startTLS(t *testing.T, args ...string) *server {
	t.Helper()
	cert, key := certificate(t)
	return start(t, append([]string{"-cert", cert, "-key", key}, args...)...)
}

// starters start a server without and with TLS.
var starters = []func(t *testing.T, args ...string) *server{start, startTLS}

// startCommand is start through another command, such as a shell that sets a limit: the
// binary's arguments are added to the command's.
func startCommand(t *testing.T, command []string, args ...string) *server {
	t.Helper()
	addr := testkit.FreeAddr(t)
	url := "http://" + addr
	if slices.Contains(args, "-cert") {
		url = "https://" + addr
	}
	s := newServer(t, addr, url, slices.Concat(command, []string{"-addr", addr}, args)...)
	s.restart()
	return s
}

// restart starts the server again, with the same flags and on the same port.
func (s *server) restart() {
	s.t.Helper()
	s.kill()
	cmd := exec.Command(s.command[0], s.command[1:]...)
	cmd.Stdout, cmd.Stderr = &s.out, &s.out
	s.run(cmd)
}

// run starts a command as the server's process, and waits until it answers.
func (s *server) run(cmd *exec.Cmd) {
	s.t.Helper()
	s.cmd = cmd
	testkit.EndWithTest(cmd)
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	exited := make(chan struct{})
	s.exited = exited
	go func() {
		cmd.Wait()
		close(exited)
	}()
	client := &http.Client{Timeout: testkit.Limit, Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
		DisableKeepAlives: true,
	}}
	testkit.Eventually(s.t, func() error {
		resp, err := client.Get(s.url + "/healthz")
		if err == nil {
			return resp.Body.Close()
		}
		select {
		case <-s.exited:
			s.t.Fatalf("the server ended at once: %v", s.cmd.ProcessState)
		default:
		}
		return err
	})
}

// kill ends the server as kill -9 does, and waits until it is gone. It may be gone already.
func (s *server) kill() {
	if s.cmd == nil || s.cmd.Process == nil {
		return
	}
	s.cmd.Process.Kill()
	<-s.exited
}

// stop asks the server to end, which it is to do well.
func (s *server) stop() {
	s.t.Helper()
	s.signal(syscall.SIGTERM)
	s.wantEnd()
}

// wantEnd waits until the server has ended, and checks that it did so well.
func (s *server) wantEnd() {
	s.t.Helper()
	testkit.Receive(s.t, s.exited, "the server ends after SIGTERM")
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		s.t.Errorf("exit code %d", code)
	}
}

func (s *server) signal(sig os.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) pid() int { return s.cmd.Process.Pid }

// isTLS tells whether the server got a certificate.
func (s *server) isTLS() bool { return strings.HasPrefix(s.url, "https://") }

// output returns what the server has printed so far.
func (s *server) output() string { return s.out.String() }

// waitForOutput waits until the server has printed all of some words.
func (s *server) waitForOutput(words ...string) {
	s.t.Helper()
	testkit.Eventually(s.t, func() error { return lacks(s.output(), words...) })
}

// lacks returns an error unless a text has all the words.
func lacks(text string, words ...string) error {
	for _, word := range words {
		if !strings.Contains(text, word) {
			return errors.New("no " + word + " in " + text)
		}
	}
	return nil
}
