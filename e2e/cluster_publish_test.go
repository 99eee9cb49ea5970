package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"example.com/sse/cluster"
	"example.com/sse/internal/testkit"
	"example.com/sse/sse"

	"github.com/nats-io/nats.go"
)

// join returns a member with a broker of its own, and does not wait until it is ready.
func join(t *testing.T, urls string) *cluster.Member {
	t.Helper()
	broker := sse.NewBroker()
	member, err := cluster.Join(broker, cluster.Options{URLs: urls, Replicas: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), testkit.Limit)
		defer cancel()
		if err := broker.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	return member
}

func waitUntilMemberReady(t *testing.T, member *cluster.Member) {
	t.Helper()
	testkit.Eventually(t, func() error {
		if !member.Ready() {
			return errors.New("the member is not ready")
		}
		return nil
	})
}

// readEvents returns a channel with the events of a server's stream, from the first that its
// history has. The stream ends with the test.
func readEvents(t *testing.T, url string) <-chan testkit.Event {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/events?lastEventId=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := testkit.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	events := make(chan testkit.Event, 1<<10)
	t.Cleanup(func() {
		cancel()
		for range events {
		}
	})
	go func() {
		defer close(events)
		defer resp.Body.Close()
		for p := testkit.NewParser(resp.Body); ; {
			e, err := p.Next()
			if err != nil {
				return
			}
			events <- e
		}
	}()
	return events
}

// timesStored returns how many times NATS holds each payload.
func timesStored(t *testing.T, urls string) map[string]int {
	t.Helper()
	times := make(map[string]int)
	for _, e := range stored(t, jetStream(t, urls)) {
		times[e.Data]++
	}
	return times
}

func TestPublishReachesAllServersOnce(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	servers := startServers(t, 2, "-nats", n.client, "-interval", "24h")
	member := join(t, n.client)
	waitUntilMemberReady(t, member)
	const publishers, each = 20, 10
	var publishing sync.WaitGroup
	for i := range publishers {
		publishing.Go(func() {
			for j := range each {
				e := sse.Event{Name: fmt.Sprint("of ", i), Data: fmt.Append(nil, i, " ", j)}
				if err := member.Publish(t.Context(), e); err != nil {
					t.Errorf("%s: %v", e.Data, err)
				}
			}
		})
	}
	testkit.Return(t, publishing.Wait, "the publishers")
	for i, s := range servers {
		events := readEvents(t, s.url)
		seen := make(map[string]bool)
		for range publishers * each {
			e := testkit.Receive(t, events, "an event that was published")
			if seen[e.Data] || !strings.HasPrefix(e.Data, strings.TrimPrefix(e.Name, "of ")+" ") {
				t.Errorf("server %d: got %q under the name %q (seen before: %v)", i, e.Data, e.Name, seen[e.Data])
			}
			seen[e.Data] = true
		}
	}
	for data, times := range timesStored(t, n.client) {
		if times != 1 {
			t.Errorf("NATS holds %q %d times", data, times)
		}
	}
}

func TestNameOfAnEventPassesThroughNATS(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	s := startServers(t, 1, "-nats", n.client, "-interval", "24h")[0]
	member := join(t, n.client)
	waitUntilMemberReady(t, member)
	if err := member.Publish(t.Context(), sse.Event{Name: "alert €", Data: []byte("ours")}); err != nil {
		t.Fatal(err)
	}
	js := jetStream(t, n.client)
	// What the header says is also the name where another publisher has set it.
	for _, msg := range []*nats.Msg{
		{Subject: "sse.events", Header: nats.Header{"Sse-Event": {"Preis €"}}, Data: []byte("another's")},
		{Subject: "sse.events", Header: nats.Header{"Sse-Event": {"caf\xe9\x01"}}, Data: []byte("not UTF-8: \xff")},
		{Subject: "sse.events", Header: nats.Header{"Sse-Event": {"empty"}}},
		{Subject: "sse.events", Data: []byte("no name")},
	} {
		if _, err := js.PublishMsg(t.Context(), msg); err != nil {
			t.Fatal(err)
		}
	}
	events := readEvents(t, s.url)
	for _, want := range []testkit.Event{
		{Name: "alert €", Data: "ours"}, {Name: "Preis €", Data: "another's"}, {Name: "caf\ufffd\ufffd", Data: "not UTF-8: \ufffd"},
		{Name: "empty"}, {Data: "no name"},
	} {
		got := testkit.Receive(t, events, "an event")
		if got.Name != want.Name || got.Data != want.Data {
			t.Errorf("got %q %q, want %q %q", got.Name, got.Data, want.Name, want.Data)
		}
	}
	stream, err := js.Stream(t.Context(), "SSE")
	if err != nil {
		t.Fatal(err)
	}
	msg, err := stream.GetMsg(t.Context(), stream.CachedInfo().State.FirstSeq)
	if err != nil {
		t.Fatal(err)
	}
	if got := msg.Header.Get("Sse-Event"); got != "alert €" {
		t.Errorf("NATS holds the name %q", got)
	}
}

// limited is a context that ends before the test's limit, and long after Publish must have
// returned.
func limited(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Limit)
	t.Cleanup(cancel)
	return ctx
}

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

// freeze stops a nats-server, and waits until all its threads have stopped: the signal is only
// on its way when it is sent.
func freeze(t *testing.T, n *natsServer) {
	t.Helper()
	n.signal(syscall.SIGSTOP)
	testkit.Eventually(t, func() error { return isStopped(n.pid()) })
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
