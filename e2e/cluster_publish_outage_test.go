package e2e

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"example.com/sse/cluster"
	"example.com/sse/internal/testkit"
	"example.com/sse/sse"
)

func TestPublishToAnAbsentNATSIsAnErrorAndPublishesNothing(t *testing.T) {
	t.Parallel()
	n := newNATS(t)
	member := join(t, n.client)
	ctx := limited(t)
	err := member.Publish(ctx, sse.Event{Data: []byte("lost")})
	if err == nil || errors.Is(err, cluster.ErrUncertain) || ctx.Err() != nil {
		t.Fatalf("NATS was never there: got %v (the test's limit: %v)", err, ctx.Err())
	}
	n.restart()
	waitUntilMemberReady(t, member)
	if err := member.Publish(ctx, sse.Event{Data: []byte("back")}); err != nil {
		t.Errorf("NATS is there: %v", err)
	}
	if times := timesStored(t, n.client); times["lost"] != 0 || times["back"] != 1 {
		t.Errorf("NATS holds %v", times)
	}
}

// While NATS is frozen its socket takes each try, and NATS reads them all afterwards.
func TestPublishToAFrozenNATSIsUncertainAndStoredOnceAtMost(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	member := join(t, n.client)
	waitUntilMemberReady(t, member)
	freeze(t, n)
	ctx := limited(t)
	err := member.Publish(ctx, sse.Event{Data: []byte("frozen")})
	if !errors.Is(err, cluster.ErrUncertain) || ctx.Err() != nil {
		t.Errorf("NATS is frozen: got %v (the test's limit: %v)", err, ctx.Err())
	}
	// A caller that waits no longer learns at once that it is uncertain.
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if err := member.Publish(short, sse.Event{Data: []byte("short")}); err == nil || ctx.Err() != nil {
		t.Errorf("NATS is frozen: got %v (the test's limit: %v)", err, ctx.Err())
	}
	n.signal(syscall.SIGCONT)
	testkit.Eventually(t, func() error { return member.Publish(ctx, sse.Event{Data: []byte("thawed")}) })
	for data, times := range timesStored(t, n.client) {
		if times != 1 && data != "thawed" {
			t.Errorf("NATS holds %q %d times", data, times)
		}
	}
}

// What is published while NATS is killed and started again is stored exactly once where Publish
// says so, not at all where it says that, and once at most where it does not know.
func TestPublishKeepsItsWordWhenNATSIsKilled(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	member := join(t, n.client)
	waitUntilMemberReady(t, member)
	var mu sync.Mutex
	outcomes := make(map[string]error) // mu protects it
	stop := make(chan struct{})
	var publishing sync.WaitGroup
	for i := range 8 {
		publishing.Go(func() {
			for j := 0; ; j++ {
				data := fmt.Sprint(i, " ", j)
				err := member.Publish(t.Context(), sse.Event{Data: []byte(data)})
				mu.Lock()
				outcomes[data] = err
				mu.Unlock()
				wait := time.Millisecond
				if err != nil {
					wait = 20 * time.Millisecond
				}
				select {
				case <-stop:
					return
				case <-time.After(wait):
				}
			}
		})
	}
	waitForOutcomes := func(more int, what string, is func(error) bool) {
		t.Helper()
		count := func() (n int) {
			mu.Lock()
			defer mu.Unlock()
			for _, err := range outcomes {
				if is(err) {
					n++
				}
			}
			return n
		}
		before := count()
		testkit.Eventually(t, func() error {
			if got := count() - before; got < more {
				return fmt.Errorf("%d more events are %s, want %d", got, what, more)
			}
			return nil
		})
	}
	published := func(err error) bool { return err == nil }
	uncertain := func(err error) bool { return errors.Is(err, cluster.ErrUncertain) }
	refused := func(err error) bool { return !published(err) && !uncertain(err) }

	waitForOutcomes(100, "published", published)
	n.kill()
	n.restart() // Publish tries again, and most tries find out what became of the last.
	waitForOutcomes(100, "published", published)
	n.kill()
	waitForOutcomes(1, "refused", refused) // Some may be uncertain, too: those that were on their way.
	n.restart()
	waitForOutcomes(100, "published", published)
	close(stop)
	testkit.Return(t, publishing.Wait, "the publishers")

	times := timesStored(t, n.client)
	counts := make(map[string]int)
	for data, err := range outcomes {
		got := times[data]
		switch {
		case published(err):
			counts["published"]++
			if got != 1 {
				t.Errorf("%q was published, and is stored %d times", data, got)
			}
		case uncertain(err):
			counts["uncertain"]++
			if got > 1 {
				t.Errorf("%q is stored %d times", data, got)
			}
		default:
			counts["refused"]++
			if got != 0 {
				t.Errorf("%q is stored %d times, and Publish said: %v", data, got, err)
			}
		}
	}
	t.Log(counts)
}
