package e2e

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
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

// start runs the server with the given flags and waits until it answers. It is killed at the
// test's end; when the test has failed, what it printed is logged.
func start(t *testing.T, args ...string) *server {
	t.Helper()
	return startCommand(t, []string{binary}, args...)
}

// startCommand is start through another command, such as a shell that sets a limit: the
// binary's arguments are added to the command's.
func startCommand(t *testing.T, command []string, args ...string) *server {
	t.Helper()
	s := &server{t: t, addr: testkit.FreeAddr(t)}
	s.url = "http://" + s.addr
	if slices.Contains(args, "-cert") {
		s.url = "https://" + s.addr
	}
	s.command = slices.Concat(command, []string{"-addr", s.addr}, args)
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			t.Logf("the server at %s printed at last:\n%s", s.addr, s.out.tail(40))
		}
	})
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
	s.waitUntilServing()
}

func (s *server) waitUntilServing() {
	s.t.Helper()
	// The certificate is not what is tested here.
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

// stop asks the server to end, and returns its exit code.
func (s *server) stop() int {
	s.t.Helper()
	s.signal(syscall.SIGTERM)
	testkit.Receive(s.t, s.exited, "the server ends after SIGTERM")
	return s.cmd.ProcessState.ExitCode()
}

func (s *server) signal(sig os.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) pid() int { return s.cmd.Process.Pid }

// output returns what the server has printed so far.
func (s *server) output() string { return s.out.String() }

// stats is what /stats tells.
type stats struct {
	Clients           int64 `json:"clients"`
	ClientsTotal      int64 `json:"clients_total"`
	Events            int64 `json:"events"`
	SlowClients       int64 `json:"slow_clients"`
	Resumes           int64 `json:"resumes"`
	ResumesIncomplete int64 `json:"resumes_incomplete"`
	Topics            int64 `json:"topics"`
}

func (s *server) stats() (figures stats) {
	s.t.Helper()
	if err := json.Unmarshal(testkit.Get(s.t, testkit.Client, s.url+"/stats"), &figures); err != nil {
		s.t.Fatal(err)
	}
	return figures
}

// waitForClients waits until that many clients are registered.
func (s *server) waitForClients(n int64) {
	s.t.Helper()
	testkit.Eventually(s.t, func() error {
		if got := s.stats().Clients; got != n {
			return fmt.Errorf("%d clients are registered, want %d", got, n)
		}
		return nil
	})
}
