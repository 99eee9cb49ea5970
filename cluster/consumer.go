package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// fill is how many of the last events a server reads when it starts.
	fill = 4096

	// heartbeats come from NATS where there is no message; after two that did not come,
	// the consumer is taken for lost.
	heartbeats = time.Second

	// maxInFlight is how many messages may be on their way from NATS: 64 MiB of the largest
	// that NATS takes by default, and still some 100,000 of the demo's a second.
	maxInFlight = 64
)

// newestOf returns the sequence of the newest event in the stream, or 0: until it is read, this
// server is behind. The number of messages that a consumer tells are pending is not to be
// relied on, since it lives on a replica that may lag.
func newestOf(ctx context.Context, stream jetstream.Stream) (sequence uint64, err error) {
	newest, err := stream.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("stream %s: %w", streamName, err)
	}
	return newest.Sequence, nil
}

// startAt returns the sequence to read from, with last the sequence of the newest event read,
// or 0. A stream that ends before it was made again or has lost its end, and begins anew: a
// consumer that starts behind the stream's end is no error, and gets nothing for ever.
func startAt(state jetstream.StreamState, last uint64) uint64 {
	if last > 0 && last <= state.LastSeq {
		return last + 1
	}
	if state.LastSeq < fill {
		return max(state.FirstSeq, 1)
	}
	return max(state.FirstSeq, state.LastSeq-fill+1)
}

// messagesFrom returns the messages from a sequence on.
func messagesFrom(ctx context.Context, stream jetstream.Stream, start uint64) (jetstream.MessagesContext, error) {
	consumer, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:   start,
		FilterSubject: subject,
		AckPolicy:     jetstream.AckNonePolicy,
		MemoryStorage: true,
		Replicas:      1,
	})
	if err != nil {
		return nil, err
	}
	return consumer.Messages(jetstream.PullMaxMessages(maxInFlight), jetstream.PullHeartbeat(heartbeats))
}

// next returns the next message. To a server that is behind it must come soon.
func next(ctx context.Context, messages jetstream.MessagesContext, behind bool) (jetstream.Msg, error) {
	if behind {
		var cancel func()
		ctx, cancel = context.WithTimeout(ctx, requestTimeout)
		defer cancel()
	}
	return messages.Next(jetstream.NextContext(ctx))
}
