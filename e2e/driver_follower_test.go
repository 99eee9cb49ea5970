package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

// A follower does what a browser does: it stays on an event stream, reconnects after the
// reconnection time it was told whenever the stream is lost, and resumes after its last event. It keeps
// the IDs of all that it got.
type follower struct {
	client *http.Client
	url    string
	stop   chan struct{}

	mu         sync.Mutex
	ids        []int64       // mu protects this and all that follows
	opened     int           // how many times a stream was opened
	connected  time.Time     // when the last was
	last       time.Time     // when the last event came
	longestGap time.Duration // between two events
	err        error         // a fault of the stream that the standard doesn't allow
	cancel     func()        // ends the open stream; nil when there is none
}

// follow starts a follower. It ends at the test's end.
func follow(t *testing.T, client *http.Client, url string) *follower {
	f := &follower{client: client, url: url, stop: make(chan struct{})}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f.run()
	}()
	t.Cleanup(func() {
		f.leave()
		testkit.Receive(t, ended, "the follower ends")
	})
	return f
}

// followers starts many, and waits until all are connected.
func followers(t *testing.T, n int, url string) []*follower {
	t.Helper()
	fs := make([]*follower, n)
	for i := range fs {
		fs[i] = follow(t, streaming, url)
	}
	waitUntilOpened(t, fs, 1)
	return fs
}

func (f *follower) run() {
	p := testkit.NewParser(nil)
	for {
		lastID := ""
		if p.LastID != 0 {
			lastID = fmt.Sprint(p.LastID)
		}
		wait := 200 * time.Millisecond // while there is no server
		if resp, cancel, err := open(f.client, f.url, lastID); err == nil {
			f.setOpen(cancel)
			last := p.LastID
			p = testkit.NewParser(resp.Body)
			p.LastID = last // An event that comes twice is then one whose ID doesn't rise.
			err = f.read(p)
			resp.Body.Close()
			cancel()
			if grammar := (*testkit.GrammarError)(nil); errors.As(err, &grammar) {
				f.mu.Lock()
				f.err = err
				f.mu.Unlock()
				return
			}
			wait = p.Retry
		}
		select {
		case <-f.stop:
			return
		case <-time.After(wait):
		}
	}
}

func (f *follower) setOpen(cancel func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.opened++
	f.connected = time.Now()
	f.cancel = cancel
	select {
	case <-f.stop:
		cancel()
	default:
	}
}

func (f *follower) read(p *testkit.Parser) error {
	for {
		m, err := p.Next()
		if err != nil {
			return err
		}
		f.mu.Lock()
		now := time.Now()
		if len(f.ids) > 0 {
			f.longestGap = max(f.longestGap, now.Sub(f.last))
		}
		f.last = now
		f.ids = append(f.ids, m.ID)
		f.mu.Unlock()
	}
}

// leave ends the follower.
func (f *follower) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case <-f.stop:
		return
	default:
	}
	close(f.stop)
	if f.cancel != nil {
		f.cancel()
	}
}

// forget takes out the IDs between two others.
func (f *follower) forget(after, before int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ids = slices.DeleteFunc(slices.Clone(f.ids), func(id int64) bool { return after < id && id < before })
}

// timesOpened returns how many streams the follower has opened.
func (f *follower) timesOpened() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.opened
}

// got returns the IDs so far, which the caller must not change.
func (f *follower) got() []int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clip(f.ids)
}
