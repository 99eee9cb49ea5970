package e2e

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

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
	t.Cleanup(func() { shutdown(t, broker) })
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
		events := subscribe(t, s.url+"/events", "1").events
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
	s := n.serve("-interval", "24h")
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
	events := subscribe(t, s.url+"/events", "1").events
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
