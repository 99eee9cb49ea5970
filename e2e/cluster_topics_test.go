package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"example.com/sse/internal/testkit"

	"github.com/nats-io/nats.go/jetstream"
)

// What is published to a topic at one server comes to the topic's clients of another, they resume at any, also
// at one that was restarted, and nothing else comes to them, not even ticks.
func TestTopicsAreSharedThroughNATS(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	servers := startServers(t, 3, "-nats", n.client, "-interval", "100ms", "-publish-token-file", tokenFile(t))
	watching := subscribe(t, servers[1].url+"/events?topic=mail/anna&topic=doc.7", "")
	servers[1].waitForClients(1)
	for i := range 10 {
		servers[i%3].publish([]string{"mail/anna", "doc.7", "mail", ""}[i%4], fmt.Sprint(i))
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
	servers[2].waitForStatus(http.StatusOK)
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

// A member of a version without topics reads with a filter for the default topic alone, whatever the stream's
// subjects are, and compares with that topic's last sequence: so it never shows another topic's events.
func TestConsumerOfAnOlderMemberGetsTheDefaultTopicOnly(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	s := n.serve("-publish-token-file", tokenFile(t))
	for i := range 30 {
		s.publish([]string{"mail/anna", "", "x"}[i%3], fmt.Sprint(i))
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
