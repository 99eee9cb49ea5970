package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"example.com/sse/sse"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// archiveBatch and archiveBytes bound the events that all sources of a client hold in memory, in number and in
	// bytes: so much waits for a client that does not read. An event that is larger comes alone.
	archiveBatch = 256
	archiveBytes = 512 << 10

	// archiveThreshold is after how long NATS deletes a consumer that is not asked for messages. A server leaves one
	// behind if it was killed, or if NATS forbids it to delete consumers.
	archiveThreshold = 30 * time.Second

	// refusedPause is how long no consumer is asked for after the stream's configuration has refused one.
	refusedPause = time.Minute
)

// A source reads a topic's events by a consumer of their own; or all events of the stream, and leaves out those of topics
// that the client does not have.
type source struct {
	replay   *replay
	topics   []string
	subjects []string    // those of the topics or, where all of the stream is read, those of filter
	after    uint64      // the sequence of the last message read
	wanted   uint64      // the sequence of the last message to be read; where that is after the replay's limit, batch stops at the limit
	messages *puller     // the consumer's messages, once there is a consumer
	came     uint64      // how many messages have come from the consumer
	events   []sse.Event // events that were read and not taken yet
}

// fill reads the next events, where all that were read were taken and there are more.
func (s *source) fill(ctx context.Context) error {
	for len(s.events) == 0 && s.after < s.wanted {
		if err := s.create(ctx); err != nil {
			return err
		}
		before := s.after
		if err := s.batch(ctx); err != nil {
			return err
		}
		if !s.replay.complete {
			continue
		}
		// The broker was told that nothing is missing, so what the stream has deleted since must end the replay.
		if complete, err := s.replay.retained(ctx, s.topics, before); err != nil {
			return err
		} else if !complete {
			return errDeletedMeanwhile
		}
	}
	return nil
}

// create creates the consumer, unless there is one.
func (s *source) create(ctx context.Context) (err error) {
	if s.messages != nil {
		return nil
	}
	r := s.replay
	config := consumerConfig(s.after+1, s.subjects)
	config.InactiveThreshold = r.idle
	s.messages, _, err = consumeFrom(ctx, r.js, config, archiveBatch/len(r.sources), archiveBytes/len(r.sources))
	return r.member.noteRefusal(err)
}

// batch reads the messages of one request.
func (s *source) batch(ctx context.Context) error {
	if err := s.messages.ask(); err != nil {
		return err
	}
	for s.after < s.wanted {
		msg, meta, err := s.messages.receive(ctx, true)
		if err != nil {
			return err
		}
		if msg == nil { // The request has ended.
			break
		}
		if s.came++; meta.Sequence.Consumer != s.came {
			return errGap
		}
		// A client that got an event after the limit would go on after that event. It would miss what came in between to a
		// topic without a source, which is a topic that had nothing new when the sources were found.
		if meta.Sequence.Stream > s.replay.limit {
			s.wanted = s.after
			break
		}
		s.after = meta.Sequence.Stream
		if topic, ok := topicOf(msg.Subject); ok && (s.replay.topicSet == nil || s.replay.topicSet[topic]) {
			s.events = append(s.events, eventOf(s.after, topic, msg))
		}
	}
	return nil
}

// isRefused reports whether the stream has refused a consumer a short time ago.
func (m *Member) isRefused() bool { return time.Now().UnixNano() < m.refusedUntil.Load() }

// noteRefusal takes note of a stream whose configuration allows no more consumers, or refuses the archive's with code 400.
// Clients then get what their server retains, and not the same error at each reconnect.
func (m *Member) noteRefusal(err error) error {
	var answer *jetstream.APIError
	if errors.Is(err, jetstream.ErrMaximumConsumersLimit) || errors.As(err, &answer) && answer.Code == 400 {
		m.refusedUntil.Store(time.Now().Add(refusedPause).UnixNano())
		return fmt.Errorf("for a minute clients get what their server retains: %w", err)
	}
	return err
}
