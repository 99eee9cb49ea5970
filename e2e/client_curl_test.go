package e2e

import (
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"

	"example.com/sse/internal/testkit"
)

func TestCurlShowsAStreamThatTheGrammarAllows(t *testing.T) {
	t.Parallel()
	need(t, "curl", "apt-get install curl")
	// readEvents reads n events.
	readEvents := func(t *testing.T, p *testkit.Parser, n int) {
		t.Helper()
		for range n {
			if _, err := p.Next(); err != nil {
				t.Fatal(err)
			}
		}
		if p.Retry <= 0 {
			t.Error("no reconnection time came before the events")
		}
	}
	for _, test := range []struct {
		name, interval string
		args           func(t *testing.T, s *server) []string
		check          func(t *testing.T, s *server, p *testkit.Parser)
	}{
		{"a heartbeat", "22s", nil, func(t *testing.T, s *server, p *testkit.Parser) {
			readEvents(t, p, 1)
			if p.Comments != 1 {
				t.Errorf("%d heartbeats before the first event, after 22 s", p.Comments)
			}
		}},
		{"a heartbeat each second", "1s500ms -heartbeat 1s", nil, func(t *testing.T, s *server, p *testkit.Parser) {
			for p.Comments < 2 { // A machine that is busy may have the next event come before them, but not for ever.
				readEvents(t, p, 1)
			}
		}},
		{"HTTP/1.0", "50ms", func(*testing.T, *server) []string {
			return []string{"--http1.0"}
		}, func(t *testing.T, _ *server, p *testkit.Parser) { readEvents(t, p, 20) }},
		{"resuming", "50ms", func(t *testing.T, s *server) []string {
			return []string{"--header", fmt.Sprint("Last-Event-ID: ", retained(t, s)[0])}
		}, func(t *testing.T, _ *server, p *testkit.Parser) { readEvents(t, p, 20) }},
		{"until the server stops", "50ms", nil, func(t *testing.T, s *server, p *testkit.Parser) {
			readEvents(t, p, 20)
			s.signal(syscall.SIGTERM)
			var err error
			for err == nil {
				_, err = p.Next()
			}
			if err != io.EOF {
				t.Errorf("the stream ends with %v", err)
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := start(t, append([]string{"-interval"}, strings.Fields(test.interval)...)...)
			args := []string{s.url + "/events"}
			if test.args != nil {
				args = append(test.args(t, s), args...)
			}
			test.check(t, s, curlStream(t, args...))
		})
	}
}
