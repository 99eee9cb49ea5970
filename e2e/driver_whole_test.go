package e2e

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

// waitUntilOpened waits until each follower has opened that many streams.
func waitUntilOpened(t *testing.T, fs []*follower, times int) {
	t.Helper()
	testkit.Eventually(t, func() error {
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
func waitForID(t *testing.T, fs []*follower, id int64) {
	t.Helper()
	waitForIDWithin(t, testkit.Limit, fs, id)
}

// waitForIDWithin is waitForID with a longer limit.
func waitForIDWithin(t *testing.T, limit time.Duration, fs []*follower, id int64) {
	t.Helper()
	testkit.EventuallyWithin(t, limit, func() error {
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

// retained returns the IDs of all that a server has told since it began, up to its newest event
// now. There is at least one.
func retained(t *testing.T, s *server) (ids []int64) {
	t.Helper()
	events := max(1, s.stats().Events)
	all := subscribe(t, s.url+"/events", "1")
	for range events {
		id, _ := all.next()
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
	waitForID(t, fs, last)
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
