package cluster

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// backfill is how many of the last events a server reads when it starts.
const backfill = 4096

// lastSequence returns the sequence of the newest event in the stream, or 0 where there is none:
// until this server has read that event, it is catching up. The consumer's number of pending messages
// can't be used instead, since the consumer lives on a replica that may lag.
func lastSequence(ctx context.Context, stream jetstream.Stream) (sequence uint64, err error) {
	newest, err := stream.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("stream %s: %w", streamName, err)
	}
	return newest.Sequence, nil
}

// startSequence returns the sequence to read from. last is that of the newest event read, or 0. A
// stream that ends before last has lost its end, and is read from its beginning: NATS takes a
// consumer that starts after the stream's end, which then gets nothing for ever.
func startSequence(state jetstream.StreamState, last uint64) uint64 {
	if last > 0 && last <= state.LastSeq {
		return last + 1
	}
	if state.LastSeq < backfill {
		return max(state.FirstSeq, 1)
	}
	return max(state.FirstSeq, state.LastSeq-backfill+1)
}

// consumeFrom creates a consumer and returns its messages, from a sequence on. The consumer is in
// the memory of one NATS server: it is cheap to lose, since the next one starts after the last
// event read.
func consumeFrom(ctx context.Context, nc *nats.Conn, stream jetstream.Stream, start uint64) (*puller, error) {
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
	return newPuller(nc, consumer.CachedInfo().Name)
}
