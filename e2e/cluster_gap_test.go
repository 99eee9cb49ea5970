package e2e

import (
	"strings"
	"testing"

	"example.com/sse/internal/testkit"

	"github.com/nats-io/nats.go/jetstream"
)

// The stream deletes events before they can be read. Nobody should have to find out by counting.
func TestEventsThatTheStreamDeletesBeforeTheyAreReadAreLoggedAndCounted(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	js := jetStream(t, n.client)
	createStream(t, js, jetstream.StreamConfig{Subjects: []string{"sse.events"}, MaxMsgsPerSubject: 1})
	s := n.serve()
	if !strings.Contains(s.output(), "max messages a subject 1 and not unlimited") {
		t.Errorf("it does not say what differs:\n%s", s.output())
	}
	publish(t, js, "the first") // Before it, nothing is a gap.
	watching := subscribe(t, s.url+"/events", "0")
	watching.next()
	before := s.stats().Events
	const burst = 5000
	for range burst {
		if err := js.Conn().Publish("sse.events", []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if err := js.Conn().FlushTimeout(testkit.Limit); err != nil { // NATS has them before the last.
		t.Fatal(err)
	}
	last := publish(t, js, "the last")
	watching.upTo(last)
	missed := figures[struct{ NATS struct{ Missed int64 } }](s).NATS.Missed
	came := s.stats().Events - before
	if came+missed != burst+1 {
		t.Errorf("of %d events %d came, and %d count as missed", burst+1, came, missed)
	}
	if missed == 0 {
		t.Skip("the server was faster than the stream")
	}
	s.waitForOutput("were deleted from the stream before they were read")
}
