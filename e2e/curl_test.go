package e2e

import (
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestCurlShowsAStreamThatTheGrammarAllows(t *testing.T) {
	t.Parallel()
	need(t, "curl", "apt-get install curl")
	slow, quick := start(t, "-interval", "17s"), start(t, "-interval", "50ms")
	newest := held(t, quick)[0]
	for _, test := range []struct {
		name   string
		s      *server
		events int
		args   []string
	}{
		{"a heartbeat", slow, 1, []string{"--max-time", "18"}},
		{"HTTP/1.0", quick, 20, []string{"--http1.0", "--max-time", "2"}},
		{"resuming", quick, 20, []string{"--header", fmt.Sprint("Last-Event-ID: ", newest), "--max-time", "2"}},
		{"until the server stops", quick, 40, []string{"--max-time", "20"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command("curl", append(test.args, "--silent", "--show-error", "--no-buffer", test.s.url+"/events")...)
			if strings.HasPrefix(test.name, "until") {
				time.AfterFunc(4*time.Second, func() { test.s.cmd.Process.Signal(syscall.SIGTERM) })
			}
			out, err := cmd.Output()
			const timeIsUp = 28
			if exit := (*exec.ExitError)(nil); err != nil && !(errors.As(err, &exit) && exit.ExitCode() == timeIsUp) {
				t.Fatal(err)
			}
			p := newParser(strings.NewReader(string(out)))
			n := 0
			for {
				_, err := p.next()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatalf("%v in\n%s", err, out)
				}
				n++
			}
			if n < test.events || p.retry <= 0 || test.s == slow && p.heartbeats != 1 {
				t.Errorf("%d events, %d heartbeats, retry %v in\n%s", n, p.heartbeats, p.retry, out)
			}
		})
	}
}
