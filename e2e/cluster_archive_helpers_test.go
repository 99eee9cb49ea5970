package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"example.com/sse/cluster"
	"example.com/sse/internal/testkit"
	"example.com/sse/sse"

	"github.com/nats-io/nats.go/jetstream"
)

// shortHistory is of a server that retains some hundred events only: what a client lacks beyond these is on NATS.
var shortHistory = []string{"-history", "40000"}

// publishInTurn publishes events to the topics many/0, many/1 and so on in turn, whose data is the number of the
// topic, the number of the event in it, and a text. It returns the ID of the first; the others follow.
func publishInTurn(t *testing.T, js jetstream.JetStream, topics, events int, text string) (first int64) {
	t.Helper()
	for i := range events {
		subject, data := fmt.Sprint("sse.events.many.", i%topics), fmt.Sprintf("%d %d %s", i%topics, i/topics, text)
		if i == 0 {
			first = publishOn(t, js, subject, data)
		} else if err := js.Conn().Publish(subject, []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	if err := js.Conn().FlushTimeout(testkit.Limit); err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), "SSE")
	if err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, func() error {
		info, err := stream.Info(t.Context())
		if want := first + int64(events) - 1; err == nil && int64(info.State.LastSeq) < want {
			err = fmt.Errorf("the stream ends at %d, want %d", info.State.LastSeq, want)
		}
		return err
	})
	return first
}

// A collector is a client of some of publishInTurn's topics. It reconnects whenever its stream ends, and checks
// that it gets each event once.
type collector struct {
	query  string
	last   int64       // the last event's ID
	next   map[int]int // the number of each topic's next event
	pause  func()      // called after each event; nil for nothing
	client *http.Client
	opened int           // how many streams it had
	told   []testkit.Gap // what they said
}

// newCollector returns a client whose last event is the one with an ID, where the events were published to a number of topics,
// the first with the ID first.
func newCollector(of int, first, last int64, topics ...int) *collector {
	c := &collector{client: streaming, last: last, next: make(map[int]int)}
	for _, topic := range topics {
		c.query += fmt.Sprint("&topic=many/", topic)
		// Of the events up to the last one those are the topic's whose distance from its first is a multiple of their number.
		c.next[topic] = int(last-first-int64(topic)+int64(of)) / of
	}
	return c
}

// read reads up to an event, at servers that it comes to one after the other.
func (c *collector) read(ctx context.Context, until int64, servers ...*server) error {
	for c.last < until {
		err := c.visit(ctx, servers[c.opened%len(servers)], until, math.MaxInt)
		var grammar *testkit.GrammarError
		if errors.As(err, &grammar) || errors.Is(err, errWrong) || ctx.Err() != nil {
			return fmt.Errorf("after event %d, in stream %d: %w", c.last, c.opened, err)
		}
	}
	return nil
}

var errWrong = errors.New("not the next event")

// visit opens a stream after the last event, and reads it up to an event, to its end, or as many events as it should have at most.
func (c *collector) visit(ctx context.Context, s *server, until int64, most int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/events?"+c.query, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Last-Event-ID", fmt.Sprint(c.last))
	resp, err := c.client.Do(req)
	if err != nil {
		time.Sleep(100 * time.Millisecond)
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%w: %s", errWrong, resp.Status)
	}
	c.opened++
	p := testkit.NewParser(resp.Body)
	p.LastID = c.last
	for ; c.last < until && most > 0; most-- {
		e, err := p.Next()
		c.told = append(c.told, p.Gaps...)
		p.Gaps = nil
		if err != nil {
			return err
		}
		var topic, number int
		if _, err := fmt.Sscan(e.Data, &topic, &number); err != nil {
			return err
		}
		if want, ok := c.next[topic]; !ok || number != want {
			return fmt.Errorf("%w: number %d of topic %d, want %d, of one of its topics: %t", errWrong, number, topic, want, ok)
		}
		c.next[topic], c.last = number+1, e.ID
		if c.pause != nil {
			c.pause()
		}
	}
	return nil
}

// appOnNATS starts an app with a short history whose streams have as many topics as are asked for.
func appOnNATS(t *testing.T, urls string) *server {
	t.Helper()
	broker := sse.New(sse.Options{History: 40_000})
	member, err := cluster.Join(broker, cluster.Options{URLs: urls})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/events", func(w http.ResponseWriter, r *http.Request) {
		broker.Serve(w, r, sse.Stream{Topics: r.URL.Query()["topic"]})
	})
	mux.HandleFunc("/stats", func(w http.ResponseWriter, _ *http.Request) { json.NewEncoder(w).Encode(broker.Stats()) })
	app := httptest.NewServer(mux)
	t.Cleanup(func() {
		shutdown(t, broker)
		app.Close()
	})
	waitUntilMemberReady(t, member)
	return &server{t: t, url: app.URL}
}

// checkConsumersAreGone waits until NATS has no consumers but those of the servers themselves.
func checkConsumersAreGone(t *testing.T, js jetstream.JetStream, servers int) {
	t.Helper()
	stream, err := js.Stream(t.Context(), "SSE")
	if err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, func() error {
		info, err := stream.Info(t.Context())
		if err == nil && info.State.Consumers != servers {
			err = fmt.Errorf("NATS has %d consumers for %d servers", info.State.Consumers, servers)
		}
		return err
	})
}

// readSome reads up to an event or past it, and leaves.
func (c *collector) readSome(ctx context.Context, until int64, servers ...*server) error {
	err := c.visit(ctx, servers[c.opened%len(servers)], until, math.MaxInt)
	if err == io.EOF {
		return nil
	}
	return err
}
