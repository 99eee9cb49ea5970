package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kataras/golog"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	streamName = "SSE"

	// maxMessages and maxBytes bound what NATS keeps. With 2,048 messages in place of 65,536 a burst outran the readers:
	// NATS deleted events before they were read.
	maxMessages = 65536
	maxBytes    = 64 << 20

	// duplicateWindow is how long NATS remembers message IDs: 2 minutes, NATS's default. Servers whose clocks are
	// further apart publish their ticks twice.
	duplicateWindow = 2 * time.Minute
)

// configuration returns the configuration of a stream that is created now. Its first sequence is the time in
// microseconds since 1970, like the IDs of a server without NATS: so IDs rise even where the
// stream is deleted and created again.
func configuration(now time.Time, replicas int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:       streamName,
		Subjects:   ourSubjects(),
		Storage:    jetstream.FileStorage,
		MaxMsgs:    maxMessages,
		MaxBytes:   maxBytes,
		Duplicates: duplicateWindow,
		Replicas:   replicas,
		FirstSeq:   uint64(now.UnixMicro()),
	}
}

// openStream returns the stream, and creates it where there is none. A stream that exists belongs to
// the operator, and stays as it is: an update would reduce its replicas to ours, for example.
func (m *Member) openStream(ctx context.Context, js jetstream.JetStream) (jetstream.Stream, error) {
	ours := configuration(time.Now(), m.options.Replicas)
	stream, err := js.Stream(ctx, streamName)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		stream, err = js.CreateStream(ctx, ours)
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			stream, err = js.Stream(ctx, streamName) // Another server was faster.
		} else if err == nil {
			golog.Infof("NATS: stream %s created", streamName)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("stream %s: %w", streamName, err)
	}
	theirs := stream.CachedInfo().Config
	m.subjects.Store(&theirs.Subjects)
	m.shared.Store(slices.ContainsFunc(theirs.Subjects, func(s string) bool { return !isOurs(s) }))
	if diff := configDiff(theirs, ours); diff != m.loggedDiff {
		m.loggedDiff = diff
		if diff != "" {
			golog.Warnf("NATS: stream %s is left as it is, but differs: %s", streamName, diff)
			if !takes(theirs.Subjects, topicSubjects) {
				golog.Warnf("NATS: stream %s lacks the subject %s: no event of a topic can be published that none of its subjects takes", streamName, topicSubjects)
			}
		}
	}
	return stream, nil
}
