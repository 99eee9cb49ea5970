package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"
)

// A follower does what a browser does: it stays on an event stream, comes back after the
// reconnection time it was told whenever it is lost, and resumes after its last event. It keeps
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
		<-ended
	})
	return f
}

// followers starts many, and waits until all are connected.
func followers(t *testing.T, n int, url string) []*follower {
	t.Helper()
	fs := make([]*follower, n)
	for i := range fs {
		fs[i] = follow(t, http.DefaultClient, url)
	}
	waitUntilOpened(t, fs, 1, 30*time.Second)
	return fs
}

func (f *follower) run() {
	p := newParser(nil)
	for {
		lastID := ""
		if p.lastID != 0 {
			lastID = fmt.Sprint(p.lastID)
		}
		wait := 200 * time.Millisecond // while there is no server
		if resp, cancel, err := open(f.client, f.url, lastID); err == nil {
			f.setOpen(cancel)
			last := p.lastID
			p = newParser(resp.Body)
			p.lastID = last // An event that comes twice is then one whose ID doesn't rise.
			err = f.read(p)
			resp.Body.Close()
			cancel()
			if grammar := (grammarError{}); errors.As(err, &grammar) {
				f.mu.Lock()
				f.err = err
				f.mu.Unlock()
				return
			}
			wait = p.retry
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

func (f *follower) read(p *parser) error {
	for {
		m, err := p.next()
		if err != nil {
			return err
		}
		f.mu.Lock()
		now := time.Now()
		if len(f.ids) > 0 {
			f.longestGap = max(f.longestGap, now.Sub(f.last))
		}
		f.last = now
		f.ids = append(f.ids, m.id)
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

// waitUntilOpened waits until each follower has opened that many streams.
func waitUntilOpened(t *testing.T, fs []*follower, times int, timeout time.Duration) {
	t.Helper()
	eventually(t, timeout, func() error {
		for i, f := range fs {
			f.mu.Lock()
			opened, err := f.opened, f.err
			f.mu.Unlock()
			if opened < times || err != nil {
				return fmt.Errorf("follower %d has opened %d streams, not %d (%v)", i, opened, times, err)
			}
		}
		return nil
	})
}

// waitForID waits until all followers have got an ID or a later one.
func waitForID(t *testing.T, fs []*follower, id int64, timeout time.Duration) {
	t.Helper()
	eventually(t, timeout, func() error {
		for i, f := range fs {
			ids := f.got()
			f.mu.Lock()
			err := f.err
			f.mu.Unlock()
			if err != nil {
				t.Fatalf("follower %d: %v", i, err)
			}
			if len(ids) == 0 || ids[len(ids)-1] < id {
				return fmt.Errorf("follower %d has %d events, but not yet %d", i, len(ids), id)
			}
		}
		return nil
	})
}

// held returns the IDs of all that a server has told since it began, up to its newest event
// now. There is at least one.
func held(t *testing.T, s *server) (ids []int64) {
	t.Helper()
	events := max(1, s.stats().Events)
	all := subscribe(t, s.url+"/events", "1")
	for range events {
		id, _ := all.next(5 * time.Second)
		ids = append(ids, id)
	}
	all.close()
	return ids
}

// checkWhole fails the test unless every follower has each of the events from its first one to
// the last of the events given, once and in order.
func checkWhole(t *testing.T, fs []*follower, events []int64) {
	t.Helper()
	last := events[len(events)-1]
	waitForID(t, fs, last, 10*time.Second)
	for i, f := range fs {
		got := f.got()
		first, found := slices.BinarySearch(events, got[0])
		end, _ := slices.BinarySearch(got, last+1)
		if want := events[first:]; !found || !slices.Equal(got[:end], want) {
			t.Errorf("follower %d has %d of %d events: %s", i, end, len(want), difference(got[:end], want))
		}
	}
}

// difference says where two rising lists of IDs differ.
func difference(got, want []int64) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("event %d of its own is %d instead of %d", i, got[i], want[i])
		}
	}
	return "the shorter is the beginning of the longer"
}

// longestGap returns the longest that any follower waited between two events.
func longestGap(fs []*follower) (longest time.Duration) {
	for _, f := range fs {
		f.mu.Lock()
		longest = max(longest, f.longestGap)
		f.mu.Unlock()
	}
	return longest
}
