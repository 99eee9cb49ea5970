package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

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
		s.stop()
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
		// As docs/operating.md says.
		write(t, filepath.Join(other, "events.db"), read(t, filepath.Join(dir, "backup.db")))
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
