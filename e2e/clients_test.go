package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/sse/internal/testkit"

	launchdarkly "github.com/launchdarkly/eventsource"
	r3labs "github.com/r3labs/sse/v2"
	tmaxmax "github.com/tmaxmax/go-sse"
)

// A watch runs a client until its context ends, and hands over each event that it gets, an
// empty one too.
type watch func(ctx context.Context, url string, got func(id, data string)) error

func TestGoClientsSeeTheStreamAndResume(t *testing.T) {
	t.Parallel()
	checkClients(t, map[string]watch{
		"tmaxmax/go-sse": func(ctx context.Context, url string, got func(id, data string)) error {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
			if err != nil {
				return err
			}
			conn := tmaxmax.NewConnection(req)
			conn.SubscribeToAll(func(e tmaxmax.Event) { got(e.LastEventID, e.Data) })
			return conn.Connect()
		},
		"r3labs/sse": func(ctx context.Context, url string, got func(id, data string)) error {
			client := r3labs.NewClient(url)
			client.ReconnectStrategy = until{ctx}
			for ctx.Err() == nil {
				// A stream that ends, however it ends, is over for it without an error.
				err := client.SubscribeRawWithContext(ctx, func(e *r3labs.Event) { got(string(e.ID), string(e.Data)) })
				if err != nil {
					return err
				}
			}
			return nil
		},
		"launchdarkly/eventsource": func(ctx context.Context, url string, got func(id, data string)) error {
			stream, err := launchdarkly.SubscribeWithURL(url)
			if err != nil {
				return err
			}
			defer stream.Close()
			for {
				select {
				case e := <-stream.Events:
					got(e.Id(), e.Data())
				case <-stream.Errors: // It tells that the stream was lost, and reconnects.
				case <-ctx.Done():
					return nil
				}
			}
		},
	})
}

func TestNodeClientsSeeTheStreamAndResume(t *testing.T) {
	t.Parallel()
	const how = "install node 18 or newer and npm, then run e2e/setup"
	need(t, "node", how)
	need(t, "clients/node_modules", how)
	node := func(client string) watch {
		return func(ctx context.Context, url string, got func(id, data string)) error {
			cmd := exec.CommandContext(ctx, "node", "clients/watch.mjs", client, url)
			testkit.EndWithTest(cmd)
			var stderr strings.Builder
			cmd.Stderr = &stderr
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				return err
			}
			if err := cmd.Start(); err != nil {
				return err
			}
			for lines := bufio.NewScanner(stdout); lines.Scan(); {
				var e struct{ ID, Data string }
				if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
					return err
				}
				got(e.ID, e.Data)
			}
			return fmt.Errorf("%w: %s", cmd.Wait(), stderr.String())
		}
	}
	checkClients(t, map[string]watch{
		"eventsource":                   node("eventsource"),
		"@microsoft/fetch-event-source": node("fetch-event-source"),
	})
}

// until has r3labs/sse retry every half a second until a context ends. By itself it would go on
// for 15 minutes.
type until struct{ context.Context }

func (u until) NextBackOff() time.Duration {
	if u.Err() != nil {
		return -1
	}
	return 500 * time.Millisecond
}

func (until) Reset() {}

// checkClients runs clients through the things that tell a good stream from a bad one: the line
// at the start, a silence with a heartbeat, an event, and a server that is killed and started again.
func checkClients(t *testing.T, watches map[string]watch) {
	// Longer than the 15 s of silence after which a heartbeat comes.
	s := start(t, "-interval", "17s")
	var mu sync.Mutex
	seen := make(map[string][]string) // by client, its events; mu protects it
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer testkit.Return(t, running.Wait, "all clients end")
	defer cancel()
	for name, watch := range watches {
		running.Go(func() {
			err := watch(ctx, s.url+"/events", func(id, data string) {
				mu.Lock()
				defer mu.Unlock()
				seen[name] = append(seen[name], id+" "+data)
			})
			if ctx.Err() == nil {
				t.Errorf("%s gave up: %v", name, err)
			}
		})
	}
	clients := int64(len(watches))
	s.waitForClients(clients)
	direct := subscribe(t, s.url+"/events", "")
	id, data := direct.next()
	events := []string{fmt.Sprintf("%d %s", id, data)}
	// waitUntilSeen waits until every client has an event.
	waitUntilSeen := func(event string) {
		t.Helper()
		testkit.Eventually(t, func() error {
			mu.Lock()
			defer mu.Unlock()
			for name := range watches {
				if !slices.Contains(seen[name], event) {
					return fmt.Errorf("%s has not seen %q but %q", name, event, seen[name])
				}
			}
			return nil
		})
	}
	waitUntilSeen(events[0])

	s.kill()
	s.command[len(s.command)-1] = "100ms"
	s.restart()
	restarted := time.Now()
	s.waitForClients(clients)
	t.Logf("all were back %v after the restart", time.Since(restarted).Round(time.Millisecond))
	held := s.stats().Events
	all := subscribe(t, s.url+"/events", "1")
	for range held + 5 {
		id, data := all.next()
		events = append(events, fmt.Sprintf("%d %s", id, data))
	}
	waitUntilSeen(events[len(events)-1])
	mu.Lock()
	defer mu.Unlock()
	for name := range watches {
		for _, event := range seen[name] {
			if id, data, _ := strings.Cut(event, " "); id == "" || data == "" {
				t.Errorf("%s has seen an empty event: %q", name, event)
			}
		}
		got := seen[name][slices.Index(seen[name], events[0]):]
		if got = got[:min(len(events), len(got))]; !slices.Equal(got, events) {
			t.Errorf("%s has seen\n%s\nbut the events were\n%s", name, strings.Join(got, "\n"), strings.Join(events, "\n"))
		}
	}
	if figures := s.stats(); figures.ResumesIncomplete < clients {
		t.Errorf("not all of %d told their last event ID: %+v", clients, figures)
	}
}
