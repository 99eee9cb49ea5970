package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

// startData starts a server that keeps its events in a directory, and ticks not at all.
func startData(t *testing.T, dir string, args ...string) *server {
	t.Helper()
	return startDataThrough(t, []string{binary}, dir, args...)
}

// startDataThrough is startData through another command.
func startDataThrough(t *testing.T, command []string, dir string, args ...string) *server {
	t.Helper()
	return startCommand(t, command, append([]string{"-interval", never.String(), "-publish-token-file", tokenFile(t), "-data", dir}, args...)...)
}

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
		status, line := postEvent(context.Background(), p.client, p.server, data)
		p.mu.Lock()
		switch {
		case status == http.StatusNoContent:
			p.confirmed[data] = true
		case status == 0:
		default:
			p.refused++
			p.lines[fmt.Sprint(status, " ", strings.TrimSpace(line))]++
			ok := false
			for _, a := range p.accepted {
				ok = ok || a == status
			}
			if !ok {
				t.Errorf("%d: %s", status, line)
			}
		}
		p.mu.Unlock()
		if status != http.StatusNoContent {
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
	if status, line := postEvent(t.Context(), testkit.Client, s, last); status != http.StatusNoContent {
		t.Fatalf("%d: %s", status, line)
	}
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

func TestKillAmidPublishersLosesNothingThatWasConfirmed(t *testing.T) {
	t.Parallel()
	s := startData(t, t.TempDir())
	p := publishAll(t, s, 64, http.StatusServiceUnavailable)
	for range 8 {
		p.waitForMore(t, 300)
		s.kill()
		s.restart()
	}
	p.waitForMore(t, 100)
	p.end()
	s.kill()
	s.restart()
	p.check(t, s)
	confirmed, _ := p.figures()
	t.Logf("%d events were confirmed", confirmed)
}

// A server that is to end stores what it has accepted, whatever is on its way.
func TestSIGTERMAmidPublishersStoresWhatWasAccepted(t *testing.T) {
	t.Parallel()
	s := startData(t, t.TempDir())
	p := publishAll(t, s, 16, http.StatusServiceUnavailable)
	for range 3 {
		p.waitForMore(t, 100)
		if code := s.stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		s.restart()
	}
	p.end()
	p.check(t, s)
}

// The ticks are on disk, too, and a server that has none of its memory any more goes on with them.
func TestTicksAreStored(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, "-interval", "50ms", "-data", dir)
	live := subscribe(t, s.url+"/events", "")
	first, data := live.next()
	live.next()
	s.kill()
	s.restart()
	resumed := subscribe(t, s.url+"/events", fmt.Sprint(first-1))
	if id, again := resumed.next(); id != first || again != data {
		t.Errorf("got %d, %s; want %d, %s", id, again, first, data)
	}
	var ids []int64
	for range 5 {
		id, _ := resumed.next()
		ids = append(ids, id)
	}
	for i := range ids[1:] {
		if ids[i+1] <= ids[i] || ids[i] <= first {
			t.Errorf("IDs do not rise: %d, %v", first, ids)
		}
	}
}

// A copy that is made while events come and go is whole: it is a store of one time.
func TestBackupWhileEventsCome(t *testing.T) {
	t.Parallel()
	dir, other := t.TempDir(), t.TempDir()
	s := startData(t, dir)
	p := publishAll(t, s, 16)
	p.waitForMore(t, 200)
	for round := range 3 {
		p.mu.Lock()
		before := make(map[string]bool)
		for data := range p.confirmed {
			before[data] = true
		}
		p.mu.Unlock()
		s.signal(syscall.SIGUSR1)
		testkit.Eventually(t, func() error {
			if n := strings.Count(s.output(), "backup.db is written"); n != round+1 {
				return fmt.Errorf("%d backups are written", n)
			}
			return nil
		})
		p.waitForMore(t, 100)
		backup, err := os.ReadFile(filepath.Join(dir, "backup.db"))
		if err != nil {
			t.Fatal(err)
		}
		// As docs/operating.md says.
		if err := os.WriteFile(filepath.Join(other, "events.db"), backup, 0o600); err != nil {
			t.Fatal(err)
		}
		restored := startData(t, other)
		(&publishers{confirmed: before}).check(t, restored)
		restored.stop()
	}
	p.end()
	p.check(t, s)
	if files, err := filepath.Glob(filepath.Join(dir, "*.new")); err != nil || len(files) > 0 {
		t.Error(errors.Join(err, fmt.Errorf("%q are left", files)))
	}
}
