package e2e

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

// Publishers publish to a server until they are stopped, each one event after the other, also while the server is
// away. The data of an event is its publisher's number and its own, and some more.
type publishers struct {
	server   *server
	client   *http.Client
	accepted []int // statuses, beside 204 and 0, that an answer may have
	stop     context.CancelFunc
	running  sync.WaitGroup

	mu        sync.Mutex
	confirmed map[string]bool // mu protects it: the events that were answered with 204
	refused   int             // and how many were answered otherwise
	lines     map[string]int  // and with which lines
}

// publishAll starts publishers, which end with the test.
func publishAll(t *testing.T, s *server, n int, accepted ...int) *publishers {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &publishers{server: s, accepted: accepted, stop: cancel, confirmed: make(map[string]bool), lines: make(map[string]int)}
	p.client = &http.Client{Timeout: testkit.Limit, Transport: &http.Transport{MaxIdleConnsPerHost: n}}
	for i := range n {
		p.running.Go(func() { p.run(ctx, t, i) })
	}
	t.Cleanup(p.end)
	return p
}

func (p *publishers) run(ctx context.Context, t *testing.T, i int) {
	for n := 0; ctx.Err() == nil; n++ {
		data := fmt.Sprintf("%d %d %s", i, n, strings.Repeat("x", 50))
		a := post{data: data}.by(p.client, p.server.url+"/events")
		p.mu.Lock()
		switch {
		case a.status == http.StatusNoContent:
			p.confirmed[data] = true
		case a.status == 0:
		default:
			p.refused++
			p.lines[fmt.Sprint(a.status, " ", strings.TrimSpace(a.body))]++
			if !slices.Contains(p.accepted, a.status) {
				t.Error(a)
			}
		}
		p.mu.Unlock()
		if a.status != http.StatusNoContent {
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
}

// end stops the publishers, and waits for their last answers.
func (p *publishers) end() {
	p.stop()
	p.running.Wait()
	p.client.CloseIdleConnections()
}

// figures returns how many events were confirmed, and how many refused.
func (p *publishers) figures() (confirmed, refused int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.confirmed), p.refused
}

// waitForMore waits until more events were confirmed.
func (p *publishers) waitForMore(t *testing.T, more int) {
	t.Helper()
	before, _ := p.figures()
	testkit.Eventually(t, func() error {
		if now, _ := p.figures(); now < before+more {
			return fmt.Errorf("%d events were confirmed, and %d more are waited for", now-before, more)
		}
		return nil
	})
}

// check checks that a server has each event that was confirmed, once and in the order of its publisher, and that all IDs rise.
func (p *publishers) check(t *testing.T, s *server) {
	t.Helper()
	const last = "the last one"
	s.publish("", last)
	all := subscribe(t, s.url+"/events", "1")
	next := make(map[int]int)
	missing := len(p.confirmed)
	for lastID := int64(0); ; {
		id, data := all.next()
		if id <= lastID {
			t.Fatalf("the ID %d comes after %d", id, lastID)
		}
		lastID = id
		if data == last {
			break
		}
		var i, n int
		if _, err := fmt.Sscan(data, &i, &n); err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		if n < next[i] {
			t.Fatalf("%d of publisher %d comes again, or after a later one", n, i)
		}
		next[i] = n + 1
		if p.confirmed[data] {
			missing--
		}
	}
	if missing != 0 {
		t.Errorf("%d of %d events that were confirmed are missing", missing, len(p.confirmed))
	}
	all.close()
}
