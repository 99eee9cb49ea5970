package cluster

import (
	"context"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go/jetstream"
)

// maxDeleted bounds how many sequences of deleted messages NATS is asked for: all of them come in one answer.
const maxDeleted = 10_000

// retained reports whether the stream still has every event of these topics that was published after a sequence. Where
// that can't be known, it reports false. Where all of the stream is read (topicSet is not nil), the topics are more than
// maxSources, so retained does not look them up one by one.
func (r *replay) retained(ctx context.Context, topics []string, after uint64) (bool, error) {
	stream, err := r.stream(ctx)
	if err != nil {
		return false, err
	}
	info := stream.CachedInfo()
	switch {
	case !reaches(info, after):
		return false, nil
	case info.State.NumDeleted == 0:
		return true, nil
	case deletesOldest(info.Config) && r.topicSet == nil:
		return r.withinLimit(ctx, stream, topics, after)
	case info.State.NumDeleted > maxDeleted:
		return false, nil
	}
	info, err = stream.Info(ctx, jetstream.WithDeletedDetails(true))
	if err != nil {
		return false, fmt.Errorf("stream %s: %w", streamName, err)
	}
	isLater := func(sequence uint64) bool { return sequence > after }
	return reaches(info, after) && !slices.ContainsFunc(info.State.Deleted, isLater), nil
}

// stream looks the stream up, which has to be the one that the broker is fed from.
func (r *replay) stream(ctx context.Context) (jetstream.Stream, error) {
	stream, err := r.js.Stream(ctx, streamName)
	if err != nil {
		return nil, fmt.Errorf("stream %s: %w", streamName, err)
	}
	if stream.CachedInfo().Created.UnixNano() != r.member.created.Load() {
		return nil, errAnotherStream
	}
	return stream, nil
}

// reaches reports whether the stream's first message is no later than the one after a sequence, and its last one no
// earlier than the sequence. The sequence is 0 for a client that wants all that there ever was.
func reaches(info *jetstream.StreamInfo, after uint64) bool {
	if after == 0 {
		return !hasLostFirst(info)
	}
	return info.State.FirstSeq <= after+1 && after <= info.State.LastSeq
}

// deletesOldest reports whether a stream bounds its subjects, and whatever it deletes by itself is its own or its
// subject's oldest.
func deletesOldest(c jetstream.StreamConfig) bool {
	return c.MaxMsgsPerSubject > 0 && c.Retention == jetstream.LimitsPolicy && !c.AllowRollup && !c.AllowMsgTTL && c.SubjectDeleteMarkerTTL == 0
}

// withinLimit reports whether the stream's limit for each subject has deleted no event of these topics after a sequence.
// It has deleted none of a topic where the stream has fewer of its events than the limit, or where the first that the
// stream still has comes right after the sequence or earlier.
func (r *replay) withinLimit(ctx context.Context, stream jetstream.Stream, topics []string, after uint64) (bool, error) {
	limit := uint64(stream.CachedInfo().Config.MaxMsgsPerSubject)
	for _, topic := range topics {
		s := subjectOf(topic)
		info, err := stream.Info(ctx, jetstream.WithSubjectFilter(s))
		if err != nil {
			return false, fmt.Errorf("stream %s: %w", streamName, err)
		}
		if info.State.Subjects[s] < limit {
			continue
		}
		first, err := sequenceOf(ctx, r.js, messageRequest{Sequence: 1, NextFor: s})
		if err != nil || first > after+1 {
			return false, err
		}
	}
	return true, nil
}
