package e2e

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"example.com/sse/internal/testkit"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A stream that has no subjects for topics, as an older version has created it, is said at the start, and
// at once to whoever publishes, also where somebody listens who is no stream; once its operator has added them, topics work.
func TestStreamWithoutTopicsRefusesThemUntilItsOperatorAddsThem(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	js := jetStream(t, n.client)
	config := jetstream.StreamConfig{Name: "SSE", Subjects: []string{"sse.events"}, AllowDirect: true}
	createStream(t, js, config)
	servers := startServers(t, 2, "-nats", n.client, "-interval", never.String(), "-publish-token-file", tokenFile(t))
	s, other := servers[0], servers[1]
	if got := strings.Count(s.output(), "stream SSE lacks the subject sse.events.>"); got != 1 {
		t.Errorf("%d lines say that the stream has no topics:\n%s", got, s.output())
	}
	refused := func() {
		t.Helper()
		a := s.post(post{topic: "mail/anna", data: "refused"})
		status, line := a.status, a.body
		if status != http.StatusServiceUnavailable || !strings.Contains(line, "does not take the subject sse.events.mail.anna") ||
			strings.Contains(line, "even so") || strings.Count(line, "\n") != 1 {
			t.Errorf("%d: %s", status, line)
		}
	}
	refused()
	listener, err := js.Conn().SubscribeSync("sse.events.>")
	if err != nil {
		t.Fatal(err)
	}
	if err := js.Conn().FlushTimeout(testkit.Limit); err != nil {
		t.Fatal(err)
	}
	refused()
	if err := listener.Unsubscribe(); err != nil {
		t.Fatal(err)
	}
	s.publish("", "for all")
	config.Subjects = append(config.Subjects, "sse.events.>")
	if _, err := js.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	anna := subscribe(t, other.url+"/events?topic=mail/anna", "")
	other.waitForClients(1)
	s.publish("mail/anna", "for Anna")
	anna.wantData("for Anna")
}

// NATS permits by subject, so a service may publish to some topics alone. What looks like another topic's
// subject is none.
func TestNATSPermitsTopicsBySubject(t *testing.T) {
	t.Parallel()
	n := startNATS(t, "-c", configFile(t, `authorization { users: [
		{ user: all, password: all },
		{ user: news, password: news, permissions: { publish: ["sse.events.news.>", "sse.events.*"] } },
	] }`))
	s := n.as("all:all").serve()
	js := jetStream(t, n.as("all:all").client)
	const query = "/events?topic=mail/anna&topic=&topic=news/today&topic=single&topic=/"
	watching := subscribe(t, s.url+query, "")
	s.waitForClients(1)
	conn, err := nats.Connect(n.as("news:news").client, nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for i, subject := range []string{
		"sse.events.mail.anna", "sse.events", // forbidden
		"sse.events.mail%2Fanna", "sse.events.%6d", "sse.events.%", "sse.events.news.%zz", "sse.events.news.你好", "sse.events.%2F", // no topic's
		"sse.events.news.today", "sse.events.single",
	} {
		if err := conn.Publish(subject, fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.FlushTimeout(testkit.Limit); err != nil {
		t.Fatal(err)
	}
	publishOn(t, js, "sse.events.mail.anna", "for Anna")
	watching.wantData("8", "9", "for Anna")
	s.waitForOutput("is no topic's")
}

// flood publishes many events to one topic, and waits until NATS has them.
func flood(t *testing.T, js jetstream.JetStream, n int) (last int64) {
	t.Helper()
	for i := range n {
		if err := js.Conn().Publish("sse.events.busy", fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	return publishOn(t, js, "sse.events.busy", "the last")
}

// checkComplete resumes a topic at a server, and checks what comes first, or that nothing comes, and whether the client was told of a gap.
func checkComplete(t *testing.T, js jetstream.JetStream, s *server, topic string, after int64, complete bool, want ...string) {
	t.Helper()
	end := rand.Text()
	publishOn(t, js, "sse.events."+end, end)
	got := checkCompleteUntil(t, s, topic, after, complete, end)
	if first := got[:min(len(got), len(want))]; !slices.Equal(first, want) {
		t.Errorf("%s after %d: got %q first, want %q", topic, after, first, want)
	}
	if len(want) == 0 && len(got) > 0 {
		t.Errorf("%s after %d: got %d events", topic, after, len(got))
	}
}

// checkCompleteUntil resumes a topic at a server, and checks whether the client was told of a gap. It returns what comes before the
// only event of another topic, whose data is that topic.
func checkCompleteUntil(t *testing.T, s *server, topic string, after int64, complete bool, end string) (got []string) {
	t.Helper()
	p, leave := parse(t, streaming, s.url+"/events?topic="+topic+"&topic="+end, fmt.Sprint(after))
	defer leave()
	for {
		e, err := p.Next()
		if err != nil {
			t.Fatal(err)
		}
		if e.Data == end {
			break
		}
		got = append(got, e.Data)
	}
	if len(p.Gaps) > 1 || (len(p.Gaps) == 0) != complete {
		t.Errorf("%s after %d: complete is not %t: %v", topic, after, complete, p.Gaps)
	}
	return got
}

// A server that starts has a quiet topic's last events, too, although a busy one has had thousands since.
func TestServerThatStartsHasEachTopicsLastEvents(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	first := n.serve()
	js := jetStream(t, n.client)
	one, _, three := publishOn(t, js, "sse.events.quiet", "one"), publishOn(t, js, "sse.events.quiet", "two"), publishOn(t, js, "sse.events.quiet", "three")
	flood(t, js, 20_000)
	second := n.serve()
	for _, s := range []*server{first, second} {
		checkComplete(t, js, s, "quiet", one, true, "two", "three")
		checkComplete(t, js, s, "quiet", three, true)
		checkComplete(t, js, s, "never", three, true)
		checkComplete(t, js, s, "quiet", one-1, true, "one", "two", "three")
		checkComplete(t, js, s, "quiet", 0, true, "one", "two", "three") // from the beginning, which the stream still has
		checkComplete(t, js, s, "quiet", one-2, false, "one", "two", "three")
	}
}

// Of a stream that is larger than is read whole a server that starts has each topic's last event, knows that it lacks those before, and
// gets them from NATS when a client wants them.
func TestServerThatStartsWithALargeStreamKnowsWhatItLacks(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	js := jetStream(t, n.client)
	createStream(t, js, jetstream.StreamConfig{Storage: jetstream.MemoryStorage})
	publishOn(t, js, "sse.events.quiet", "zero")
	publishOn(t, js, "sse.events.other", "other")
	one, two := publishOn(t, js, "sse.events.quiet", "one"), publishOn(t, js, "sse.events.quiet", "two")
	publishOn(t, js, "sse.events", "for all")
	last := flood(t, js, 66_000)
	s := n.serve()
	checkComplete(t, js, s, "quiet", two, true)
	checkComplete(t, js, s, "quiet", two-1, true, "two")
	checkComplete(t, js, s, "quiet", one-1, true, "one", "two")
	checkComplete(t, js, s, "quiet", 0, true, "zero", "one", "two")
	checkComplete(t, js, s, "", one, true, "for all")
	checkComplete(t, js, s, "busy", two, true, "0", "1", "2")
	checkComplete(t, js, s, "busy", last-1, true, "the last")
	checkComplete(t, js, s, "never", two, true)
	if got := int64(s.stats().Events); got < 60_000 || got > 65_600 {
		t.Errorf("%d events were read", got)
	}
	if strings.Contains(s.output(), "deleted from the stream") {
		t.Errorf("what was left out is said to be deleted:\n%s", s.output())
	}
}

// A server that starts reads a stream of thousands of topics as fast as one of few: with a filter NATS took
// longer than this test may.
func TestServerThatStartsReadsThousandsOfTopicsInTime(t *testing.T) {
	t.Parallel()
	const topics, events = 5000, 60_000
	n := startNATS(t)
	first := n.serve()
	js := jetStream(t, n.client)
	begin := publishInTurn(t, js, topics, events, "x")
	waitForSequence(t, first, begin+events-1)
	second := n.serve()
	checkComplete(t, js, second, "many/7", begin+events-1-topics, true, fmt.Sprint("7 ", events/topics-1, " x"))
}
