package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"example.com/sse/internal/testkit"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// The stream deletes events before they can be read. Nobody should have to find out by counting.
func TestEventsThatTheStreamDeletesBeforeTheyAreReadAreLoggedAndCounted(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	js := jetStream(t, n.client)
	_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "SSE", Subjects: []string{"sse.events"}, MaxMsgsPerSubject: 1})
	if err != nil {
		t.Fatal(err)
	}
	s := startServers(t, 1, "-nats", n.client, "-interval", never.String())[0]
	if !strings.Contains(s.output(), "max messages a subject 1 and not unlimited") {
		t.Errorf("it does not say what differs:\n%s", s.output())
	}
	publish(t, js, "the first") // Before it, nothing is a gap.
	watching := subscribe(t, s.url+"/events", "0")
	watching.next()
	before := s.stats().Events
	const burst = 5000
	conn, err := nats.Connect(n.client)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for range burst {
		if err := conn.Publish("sse.events", []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.FlushTimeout(testkit.Limit); err != nil { // NATS has them before the last.
		t.Fatal(err)
	}
	last := publish(t, js, "the last")
	for {
		if id, _ := watching.next(); id == last {
			break
		}
	}
	var figures struct {
		NATS struct{ Missed int64 }
	}
	if err := json.Unmarshal(testkit.Get(t, testkit.Client, s.url+"/stats"), &figures); err != nil {
		t.Fatal(err)
	}
	came := s.stats().Events - before
	if came+figures.NATS.Missed != burst+1 {
		t.Errorf("of %d events %d came, and %d count as missed", burst+1, came, figures.NATS.Missed)
	}
	if figures.NATS.Missed == 0 {
		t.Skip("the server was faster than the stream")
	}
	testkit.Eventually(t, func() error {
		if !strings.Contains(s.output(), "were deleted from the stream before they were read") {
			return fmt.Errorf("%d events are missed, and it says nothing", figures.NATS.Missed)
		}
		return nil
	})
}
