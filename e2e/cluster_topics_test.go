package e2e

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.com/sse/internal/testkit"

	"github.com/nats-io/nats.go/jetstream"
)

// postTo publishes an event to a topic, and returns the answer's status and line.
func postTo(t *testing.T, s *server, topic, data string) (status int, line string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/events?topic="+topic, strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer swordfish")
	resp, err := testkit.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// What is published to a topic at one server comes to the topic's clients of another, they resume at any, also
// at one that was restarted, and nothing else comes to them, not even ticks.
func TestTopicsAreSharedThroughNATS(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	servers := startServers(t, 3, "-nats", n.client, "-interval", "100ms", "-publish-token-file", tokenFile(t))
	watching := subscribe(t, servers[1].url+"/events?topic=mail/anna&topic=doc.7", "")
	servers[1].waitForClients(1)
	for i := range 10 {
		if status, line := postTo(t, servers[i%3], []string{"mail/anna", "doc.7", "mail", ""}[i%4], fmt.Sprint(i)); status != http.StatusNoContent {
			t.Fatalf("%d: %s", status, line)
		}
	}
	var ids []int64
	for _, want := range []string{"0", "1", "4", "5", "8", "9"} {
		id, data := watching.next()
		if data != want {
			t.Fatalf("got %q, want %s", data, want)
		}
		ids = append(ids, id)
	}
	servers[2].kill()
	servers[2].restart()
	waitUntilReady(t, servers[2])
	for i, s := range servers {
		resumed := subscribe(t, s.url+"/events?topic=doc.7&topic=mail/anna", fmt.Sprint(ids[2]))
		for j, want := range []string{"5", "8", "9"} {
			if id, data := resumed.next(); data != want || id != ids[3+j] {
				t.Errorf("server %d: got %d %q, want %d %s", i, id, data, ids[3+j], want)
			}
		}
		if got := s.stats(); got.ResumesIncomplete != 0 {
			t.Errorf("server %d: %d resumes were not complete", i, got.ResumesIncomplete)
		}
		ticks := subscribe(t, s.url+"/events?topic=", "")
		for range 2 {
			if _, data := ticks.next(); !strings.Contains(data, "Hello at") {
				t.Errorf("server %d: the default topic has %q", i, data)
			}
		}
	}
	if more := len(watching.events); more > 0 {
		t.Errorf("%d events more came to the topics' stream", more)
	}
}

// Clients of several topics each, among a hundred with 500 events a second in all, leave one server and
// connect to the other at once: of each topic they get each event once, and in order.
func TestClientsOfTopicsThatHopBetweenServersMissAndRepeatNothing(t *testing.T) {
	t.Parallel()
	const topics, clients, hops = 100, 10, 50
	n := startNATS(t)
	servers := startServers(t, 2, "-nats", n.client, "-interval", "24h")
	js := jetStream(t, n.client)
	var first int64
	for i := range topics {
		ack, err := js.Publish(t.Context(), fmt.Sprint("sse.events.many.", i), fmt.Appendf(nil, "%d 0", i))
		if err != nil {
			t.Fatal(err)
		}
		first = int64(ack.Sequence)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*testkit.Limit)
	defer cancel()
	publisher := make(chan error, 1)
	var published atomic.Int64
	go func() {
		every := time.NewTicker(2 * time.Millisecond)
		defer every.Stop()
		for count := make([]int, topics); ; {
			select {
			case <-every.C:
				i := rand.IntN(topics)
				count[i]++
				if err := js.Conn().Publish(fmt.Sprint("sse.events.many.", i), fmt.Appendf(nil, "%d %d", i, count[i])); err != nil {
					publisher <- err
					return
				}
				published.Add(1)
			case <-ctx.Done():
				publisher <- nil
				return
			}
		}
	}()
	ended := make(chan error, clients)
	for i := range clients {
		go func() {
			v := topicVisitor{last: first, seen: make(map[int]int)}
			for _, topic := range rand.Perm(topics)[:20] {
				v.query += fmt.Sprint("&topic=many/", topic)
				v.seen[topic] = 0
			}
			for j := range hops {
				if err := v.visit(ctx, servers[(i+j)%2]); err != nil {
					ended <- fmt.Errorf("client %d, hop %d: %w", i, j, err)
					return
				}
			}
			ended <- nil
		}()
	}
	for range clients {
		if err := testkit.Receive(t, ended, "a client has made all its hops"); err != nil {
			t.Error(err)
		}
	}
	cancel()
	if err := testkit.Receive(t, publisher, "the publisher ends"); err != nil {
		t.Error(err)
	}
	t.Logf("%d events", published.Load())
}

// A topicVisitor is a client of some topics that hops between servers.
type topicVisitor struct {
	query string
	last  int64
	seen  map[int]int // the number of each topic's last event
}

// visit opens a server's stream after the last event, reads some events, and leaves.
func (v *topicVisitor) visit(ctx context.Context, s *server) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/events?"+v.query, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Last-Event-ID", fmt.Sprint(v.last))
	resp, err := testkit.Client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	p := testkit.NewParser(resp.Body)
	p.LastID = v.last
	for range 1 + rand.IntN(10) {
		e, err := p.Next()
		if err != nil {
			return fmt.Errorf("after event %d: %w", v.last, err)
		}
		var topic, number int
		if _, err := fmt.Sscan(e.Data, &topic, &number); err != nil {
			return err
		}
		if before, ok := v.seen[topic]; !ok || number != before+1 {
			return fmt.Errorf("event %d of topic %d follows event %d of it, which the client has: %t", number, topic, before, ok)
		}
		v.seen[topic], v.last = number, e.ID
	}
	return nil
}

// A member of a version without topics reads with a filter for the default topic alone, whatever the stream's
// subjects are, and compares with that topic's last sequence: so it never shows another topic's events.
func TestConsumerOfAnOlderMemberGetsTheDefaultTopicOnly(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	s := startServers(t, 1, "-nats", n.client, "-interval", never.String(), "-publish-token-file", tokenFile(t))[0]
	for i := range 30 {
		if status, line := postTo(t, s, []string{"mail/anna", "", "x"}[i%3], fmt.Sprint(i)); status != http.StatusNoContent {
			t.Fatalf("%d: %s", status, line)
		}
	}
	stream, err := jetStream(t, n.client).Stream(t.Context(), "SSE")
	if err != nil {
		t.Fatal(err)
	}
	old, err := stream.CreateConsumer(t.Context(), jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: stream.CachedInfo().State.FirstSeq, FilterSubject: "sse.events",
		AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, Replicas: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := old.CachedInfo().NumPending; got != 10 {
		t.Errorf("%d events for an older member, want the default topic's 10", got)
	}
	batch, err := old.Fetch(10, jetstream.FetchMaxWait(testkit.Limit))
	if err != nil {
		t.Fatal(err)
	}
	for msg := range batch.Messages() {
		if msg.Subject() != "sse.events" {
			t.Errorf("an older member gets %s", msg.Subject())
		}
	}
	newest, err := stream.GetLastMsgForSubject(t.Context(), "sse.events")
	if err != nil || string(newest.Data) != "28" {
		t.Errorf("an older member compares with %v, %v", newest, err)
	}
}
