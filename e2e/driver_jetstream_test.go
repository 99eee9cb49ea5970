package e2e

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"example.com/sse/internal/testkit"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// jetStream connects to NATS as another publisher would.
func jetStream(t *testing.T, urls string, options ...nats.Option) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect(urls, append(options, nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// createStream creates the stream as an operator would, with all subjects unless the configuration has some.
func createStream(t *testing.T, js jetstream.JetStream, config jetstream.StreamConfig) jetstream.Stream {
	t.Helper()
	config.Name = "SSE"
	if config.Subjects == nil {
		config.Subjects = []string{"sse.events", "sse.events.>"}
	}
	stream, err := js.CreateStream(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

// publish publishes a payload as another publisher would, and returns its event's ID.
func publish(t *testing.T, js jetstream.JetStream, payload string) int64 {
	t.Helper()
	return publishOn(t, js, "sse.events", payload)
}

// publishOn is publish on another subject than the default topic's.
func publishOn(t *testing.T, js jetstream.JetStream, subject, payload string) int64 {
	t.Helper()
	ack, err := js.Publish(limited(t), subject, []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	return int64(ack.Sequence)
}

// publishSteadily publishes events, 500 a second at most, until a context ends. next returns their subjects and data. NATS
// confirms each: otherwise one might be lost with the connection, on a machine that is very busy.
func publishSteadily(ctx context.Context, js jetstream.JetStream, events int, next func(i int) (subject, data string)) error {
	every := time.NewTicker(2 * time.Millisecond)
	defer every.Stop()
	for i := range events {
		select {
		case <-every.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		subject, data := next(i)
		if _, err := js.Publish(ctx, subject, []byte(data)); err != nil {
			return err
		}
	}
	return nil
}

// publishAgain publishes as soon as NATS lets it, and returns the event's ID.
func publishAgain(t *testing.T, js jetstream.JetStream) int64 {
	t.Helper()
	return publishAgainWithin(t, testkit.Limit, js)
}

// publishAgainWithin is publishAgain with a longer limit.
func publishAgainWithin(t *testing.T, limit time.Duration, js jetstream.JetStream) (id int64) {
	t.Helper()
	testkit.EventuallyWithin(t, limit, func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		ack, err := js.Publish(ctx, "sse.events", []byte("again"))
		if err == nil {
			id = int64(ack.Sequence)
		}
		return err
	})
	return id
}

// A storedEvent is an event as NATS holds it.
type storedEvent struct {
	testkit.Event
	boundary int64 // of a tick, in ns since 1970; 0 for any other
}

// stored returns all events that NATS holds. It begins anew where NATS is still choosing who
// leads the stream, or the consumer that reads it.
func stored(t *testing.T, js jetstream.JetStream) (events []storedEvent) {
	t.Helper()
	ctx := limited(t)
	testkit.Eventually(t, func() (err error) {
		events, err = readStored(ctx, js)
		return err
	})
	return events
}

func readStored(ctx context.Context, js jetstream.JetStream) (events []storedEvent, err error) {
	stream, err := js.Stream(ctx, "SSE")
	if err != nil {
		return nil, err
	}
	newest := int64(stream.CachedInfo().State.LastSeq)
	consumer, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, Replicas: 1})
	if err != nil {
		return nil, err
	}
	for len(events) == 0 || events[len(events)-1].ID < newest {
		batch, err := consumer.Fetch(1000, jetstream.FetchMaxWait(time.Second))
		if err != nil {
			return nil, err
		}
		for msg := range batch.Messages() {
			meta, err := msg.Metadata()
			if err != nil {
				return nil, err
			}
			e := storedEvent{Event: testkit.Event{ID: int64(meta.Sequence.Stream), Data: string(msg.Data())}}
			if boundary, ok := strings.CutPrefix(msg.Headers().Get(jetstream.MsgIDHeader), "tick-"); ok {
				e.boundary, err = strconv.ParseInt(boundary, 10, 64)
				if err != nil {
					return nil, err
				}
			}
			events = append(events, e)
		}
		if err := errors.Join(batch.Error(), ctx.Err()); err != nil {
			return nil, err
		}
	}
	return events, nil
}

func idsOf(events []storedEvent) (ids []int64) {
	for _, e := range events {
		ids = append(ids, e.ID)
	}
	return ids
}

// checkTicks fails the test unless the ticks among the events are one an interval, from the
// first to the last. Only a tick of which a server says that it could not be published may be
// missing: on a busy machine NATS may take too long. All servers skip a tick where all come an
// interval too late, so let that be long.
func checkTicks(t *testing.T, events []storedEvent, interval time.Duration, servers []*server) {
	t.Helper()
	mayMiss := slices.ContainsFunc(servers, func(s *server) bool {
		return strings.Contains(s.output(), "a tick could not be published")
	})
	var last int64
	for _, e := range events {
		if e.boundary == 0 {
			continue
		}
		step := e.boundary - last
		if last != 0 && step != int64(interval) && !(mayMiss && step > 0 && step%int64(interval) == 0) {
			t.Errorf("the tick %d comes %v after the last", e.ID, time.Duration(step))
		}
		last = e.boundary
	}
}
