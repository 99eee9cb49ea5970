package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/sse/internal/testkit"

	"github.com/nats-io/nats.go/jetstream"
)

func TestDeletedStreamIsMadeAgainWithHigherIDs(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	servers := startServers(t, 2, "-nats", n.client, "-interval", "250ms")
	fs := roam(t, 20, servers...)
	js := jetStream(t, n.client)
	before := publish(t, js, "before")
	waitForID(t, fs, before)
	if err := js.DeleteStream(t.Context(), "SSE"); err != nil {
		t.Fatal(err)
	}
	after := publishAgain(t, js)
	for _, s := range servers {
		if strings.Contains(s.output(), "differs") {
			t.Errorf("a stream of its own differs: %s", s.output())
		}
	}
	if after <= before {
		t.Fatalf("event %d follows event %d", after, before)
	}
	waitForID(t, fs, after)
	checkStreamsStayedOpen(t, fs)
}

// create creates a stream as an operator of an older version did.
func create(t *testing.T, js jetstream.JetStream) {
	t.Helper()
	createStream(t, js, jetstream.StreamConfig{Subjects: []string{"sse.events"}})
}

// waitUntilRead waits until a server has read an event from NATS, and no later one.
func waitUntilRead(t *testing.T, s *server, last int64) {
	t.Helper()
	testkit.Eventually(t, func() error {
		if _, got := natsStats(t, s); got != last {
			return fmt.Errorf("the last event read is %d, want %d", got, last)
		}
		return nil
	})
}

func TestStreamMadeAgainByTheOperatorIsReadFromItsBeginning(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	s := n.serve()
	js := jetStream(t, n.client)
	for i := range 20 {
		publish(t, js, fmt.Sprint("old ", i))
	}
	if err := js.DeleteStream(t.Context(), "SSE"); err != nil {
		t.Fatal(err)
	}
	create(t, js)
	for i := range 5 {
		if id := publish(t, js, fmt.Sprint("new ", i)); id != int64(i+1) {
			t.Skip("the server was faster") // TestDeletedStreamIsMadeAgainWithHigherIDs is about that.
		}
	}
	waitUntilRead(t, s, 5)
	all := subscribe(t, s.url+"/events", "0")
	for i := range 5 {
		if id, data := all.next(); id != int64(i+1) || data != fmt.Sprint("new ", i) {
			t.Errorf("got %d %q as event %d", id, data, i+1)
		}
	}
}

// While nobody looked the new stream has got as many messages as the old one had, and more.
func TestStreamCreatedAgainDuringAnOutageIsReadFromItsBeginning(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	js := jetStream(t, n.client)
	create(t, js)
	line := newRelay(t, n.addr)
	s := (&natsServer{n.server, "nats://" + line.addr}).serve()
	for i := range 5 {
		publish(t, js, fmt.Sprint("old ", i))
	}
	waitUntilRead(t, s, 5)
	line.cut()
	if err := js.DeleteStream(t.Context(), "SSE"); err != nil {
		t.Fatal(err)
	}
	create(t, js)
	const more = 8
	for i := range more {
		publish(t, js, fmt.Sprint("new ", i))
	}
	line.pass()
	waitUntilRead(t, s, more)
	all := subscribe(t, s.url+"/events", "0")
	for i := range more {
		if id, data := all.next(); id != int64(i+1) || data != fmt.Sprint("new ", i) {
			t.Errorf("got %d %q as event %d", id, data, i+1)
		}
	}
	if got := strings.Count(s.output(), "the stream was created again"); got != 1 {
		t.Errorf("%d lines say that the stream was created again", got)
	}
}

func TestExistingStreamIsLeftAsItIs(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	js := jetStream(t, n.client)
	made := createStream(t, js, jetstream.StreamConfig{
		Subjects: []string{"sse.events", "other"}, Storage: jetstream.MemoryStorage, MaxMsgs: 1000, MaxAge: time.Hour, FirstSeq: 7,
	})
	before := made.CachedInfo().Config
	s := n.serve("-nats-replicas", "3")
	if _, err := js.Publish(t.Context(), "other", []byte("not for us")); err != nil {
		t.Fatal(err)
	}
	id := publish(t, js, "for us")
	all := subscribe(t, s.url+"/events", "1")
	if got, data := all.next(); got != id || data != "for us" {
		t.Errorf("got %d %q, want %d", got, data, id)
	}
	after, err := made.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(before) != fmt.Sprint(after.Config) {
		t.Errorf("the stream was\n%+v and is\n%+v", before, after.Config)
	}
	lines := slices.DeleteFunc(strings.Split(s.output(), "\n"), func(line string) bool { return !strings.Contains(line, "differs") })
	if len(lines) != 1 {
		t.Fatalf("%d lines say what differs: %q", len(lines), lines)
	}
	for _, want := range []string{
		"subjects [other sse.events] and not [sse.events sse.events.>]", "storage Memory and not File", "max messages 1000 and not 65536",
		"max bytes -1 and not 67108864", "max age 1h0m0s and not 0s", "replicas 1 and not 3",
	} {
		if !strings.Contains(lines[0], want) {
			t.Errorf("%q does not say %q", lines[0], want)
		}
	}
}
