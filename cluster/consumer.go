package cluster

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// lastSequence returns the sequence of the newest event in the stream, or 0 where there is none:
// until this server has read that event, it is catching up. The consumer's number of pending messages
// can't be used instead, since the consumer lives on a replica that may lag.
func lastSequence(ctx context.Context, stream jetstream.Stream) (sequence uint64, err error) {
	for _, s := range ourSubjects() {
		newest, err := stream.GetLastMsgForSubject(ctx, s)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("stream %s: %w", streamName, err)
		}
		sequence = max(sequence, newest.Sequence)
	}
	return sequence, nil
}

// consumeFrom creates a consumer and returns its messages, from a sequence on, or the last of each
// subject where that is 0, and how many there are. The consumer is in the memory of one NATS server: it is
// cheap to lose, since the next one starts after the last event read.
func consumeFrom(ctx context.Context, nc *nats.Conn, stream jetstream.Stream, start uint64) (messages *puller, pending uint64, err error) {
	config := jetstream.ConsumerConfig{
		DeliverPolicy:  jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:    start,
		FilterSubjects: ourSubjects(),
		AckPolicy:      jetstream.AckNonePolicy,
		MemoryStorage:  true,
		Replicas:       1,
	}
	if start == 0 {
		config.DeliverPolicy = jetstream.DeliverLastPerSubjectPolicy
	}
	consumer, err := stream.CreateConsumer(ctx, config)
	if err != nil {
		return nil, 0, fmt.Errorf("consumer: %w", err)
	}
	messages, err = newPuller(nc, consumer.CachedInfo().Name)
	return messages, consumer.CachedInfo().NumPending, err
}
