package e2e

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"example.com/sse/internal/testkit"
)

// A serving is a command that serves until it is stopped.
type serving struct {
	command string
	port    string
	cmd     *exec.Cmd
	out     lockedBuffer
	exited  chan error
}

// serve starts what serves, and asks it.
func (v *visitor) serve(line string) {
	v.t.Helper()
	started := line
	switch {
	case strings.Contains(line, "nats-server"):
		started += " -a 127.0.0.1 -p 4222"
	case !strings.Contains(line, "-addr") && !strings.Contains(line, "cd ../app"):
		started += " -addr :8080"
	}
	s := &serving{command: line, port: v.onFreePorts("8080"), exited: make(chan error, 1)}
	if m := addrPattern.FindStringSubmatch(v.onFreePorts(started)); m != nil {
		s.port = m[1]
	}
	for _, other := range slices.Clone(v.serving) {
		if other.port == s.port {
			v.stop(other)
		}
	}
	s.cmd = v.command(started)
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.out
	if err := s.cmd.Start(); err != nil {
		v.t.Fatal(err)
	}
	go func() { s.exited <- s.cmd.Wait() }()
	v.serving = append(v.serving, s)
	testkit.EventuallyWithin(v.t, builtWithin, func() error {
		select {
		case err := <-s.exited:
			s.exited <- err
			v.t.Fatalf("%s: %s\nended at once: %v\n%s", v.where, line, err, s.out.tail(20))
		default:
		}
		return s.ask()
	})
}

// ask gets an event from a server; from NATS it gets the first line that NATS sends.
func (s *serving) ask() error {
	if strings.Contains(s.command, "nats-server") {
		conn, err := net.DialTimeout("tcp", "127.0.0.1:"+s.port, testkit.Limit)
		if err != nil {
			return err
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(testkit.Limit))
		if line, err := bufio.NewReader(conn).ReadString('\n'); !strings.HasPrefix(line, "INFO ") {
			return fmt.Errorf("NATS says %q: %w", line, err)
		}
		return nil
	}
	scheme := "http"
	if strings.Contains(s.command, "-cert") {
		scheme = "https"
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}
	resp, err := (&http.Client{Timeout: testkit.Limit, Transport: transport}).Get(scheme + "://127.0.0.1:" + s.port + "/events")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "data: ") {
			return nil
		}
	}
	return fmt.Errorf("%s: no event", s.command)
}

// stop stops what serves as Ctrl-C in its terminal does.
func (v *visitor) stop(s *serving) {
	v.t.Helper()
	v.serving = slices.DeleteFunc(v.serving, func(other *serving) bool { return other == s })
	syscall.Kill(-s.cmd.Process.Pid, syscall.SIGINT)
	select {
	case <-s.exited:
		// go run itself ends with 1 after Ctrl-C, but says when the program did not end with 0.
		if out := s.out.String(); strings.Contains(out, "exit status") || strings.Contains(out, "signal: ") {
			v.t.Errorf("%s: Ctrl-C ends it with:\n%s", s.command, s.out.tail(20))
		}
	case <-time.After(testkit.Limit):
		syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
		v.t.Errorf("%s: still runs %v after Ctrl-C", s.command, testkit.Limit)
	}
}

func (v *visitor) stopAll() {
	// Last things first: a server need not do without its NATS.
	for _, s := range slices.Backward(slices.Clone(v.serving)) {
		v.stop(s)
	}
}

// killAll leaves nothing behind, however the test has ended.
func (v *visitor) killAll() {
	for _, s := range v.serving {
		syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
		<-s.exited
	}
}
