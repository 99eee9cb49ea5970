package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// lastSequence returns the sequence of the stream's newest message with one of some subjects, or 0 where there is none.
// Until a reader has read that message, it is catching up. The number of messages that a consumer says are pending tells
// less, since the consumer lives on a replica that may lag.
func lastSequence(ctx context.Context, js jetstream.JetStream, subjects []string) (sequence uint64, err error) {
	for _, s := range subjects {
		newest, err := sequenceOf(ctx, js, messageRequest{LastFor: s})
		if err != nil {
			return 0, err
		}
		sequence = max(sequence, newest)
	}
	return sequence, nil
}

// A messageRequest asks for a message of the stream: the last one with a subject, or the first one from a sequence on.
type messageRequest struct {
	LastFor  string `json:"last_by_subj,omitempty"`
	Sequence uint64 `json:"seq,omitempty"`
	NextFor  string `json:"next_by_subj,omitempty"`
}

// sequenceOf returns the sequence of the message that is asked for, or 0 where there is none. It asks the
// stream's leader. Stream.GetMsg of nats.go asks any replica where the stream allows that, and so one that may lag.
func sequenceOf(ctx context.Context, js jetstream.JetStream, r messageRequest) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	request, err := json.Marshal(r)
	if err != nil {
		return 0, err
	}
	reply, err := js.Conn().RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+streamName, request)
	if err != nil {
		return 0, fmt.Errorf("stream %s: %w", streamName, err)
	}
	var answer struct {
		Error   *jetstream.APIError `json:"error"`
		Message struct {
			Sequence uint64 `json:"seq"`
		} `json:"message"`
	}
	err = json.Unmarshal(reply.Data, &answer)
	if answer.Error != nil && answer.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound {
		return 0, nil
	}
	if err == nil && answer.Error != nil {
		err = answer.Error
	}
	if err != nil {
		return 0, fmt.Errorf("stream %s: %w", streamName, err)
	}
	return answer.Message.Sequence, nil
}

// consumerConfig returns the configuration of a consumer of the messages with some subjects, or of all where there are
// none: from the sequence start on or, where that is 0, each subject's last one. The consumer is in the memory of one
// NATS server. It is cheap to lose, since the next consumer starts after the last event read.
func consumerConfig(start uint64, subjects []string) jetstream.ConsumerConfig {
	config := jetstream.ConsumerConfig{
		DeliverPolicy:  jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:    start,
		FilterSubjects: subjects,
		AckPolicy:      jetstream.AckNonePolicy,
		MemoryStorage:  true,
		Replicas:       1,
	}
	if start == 0 {
		config.DeliverPolicy = jetstream.DeliverLastPerSubjectPolicy
	}
	return config
}

// consumeFrom creates a consumer and returns its messages, and how many there are. They come in requests of at most batch
// messages and maxBytes bytes; a maxBytes of 0 is no bound.
func consumeFrom(ctx context.Context, js jetstream.JetStream, config jetstream.ConsumerConfig, batch, maxBytes int) (messages *puller, pending uint64, err error) {
	consumer, err := js.CreateConsumer(ctx, streamName, config)
	if err != nil {
		return nil, 0, fmt.Errorf("consumer: %w", err)
	}
	messages, err = newPuller(js.Conn(), consumer.CachedInfo().Name, batch, maxBytes)
	return messages, consumer.CachedInfo().NumPending, err
}

// deleteRequest begins the subject of a request to delete a consumer; the stream's and the consumer's name follow.
const deleteRequest = "$JS.API.CONSUMER.DELETE."

// deleteConsumer ends the messages of a consumer that is not needed any more, and deletes it. Where NATS forbids that, or
// is away, NATS deletes the consumer by itself when it was not asked for messages for a while.
func (m *Member) deleteConsumer(messages *puller) {
	messages.stop()
	if !m.mayNotDelete.Load() {
		messages.nc.Publish(deleteRequest+streamName+"."+messages.consumer, nil)
	}
}

// isRepeatedRefusal reports whether an error says that consumers may not be deleted, as an earlier one did. A warnOnce would not
// notice that: each error names another consumer.
func (m *Member) isRepeatedRefusal(err error) bool {
	forbidden := errors.Is(err, nats.ErrPermissionViolation) && strings.Contains(err.Error(), deleteRequest)
	return forbidden && m.mayNotDelete.Swap(true)
}
