package cluster

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"example.com/sse/internal/text"
	"example.com/sse/sse"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// nameHeader is the header of a message that has the event's name.
	nameHeader = "Sse-Event"

	// publishTimeout is how long Publish tries: long enough for a NATS that is restarted,
	// or that has to find another leader for the stream.
	publishTimeout = 5 * time.Second
)

// ErrUncertain is wrapped by the error of [Member.Publish] where NATS may have stored the event
// even so: the event was sent, and no answer came.
var ErrUncertain = errors.New("it may have been published even so")

var (
	errHasID        = errors.New("the event has an ID, but NATS numbers the events")
	errNotConnected = errors.New("NATS is not connected")
)

// Publish publishes an event to all servers. It returns nil when NATS has stored the event: from
// then on every server that reads from this NATS sends it to its clients, once. Publish is safe
// for concurrent use.
//
// Otherwise it returns an error, after at most some 5 s or when ctx ends. Until then Publish tries again by itself;
// a message ID keeps NATS from storing an event twice. Where the error wraps [ErrUncertain], the event may have
// been stored even so, now or when a frozen NATS goes on: a caller that publishes it again may publish it twice.
// After any other error the event was not stored and will not be:
//
//   - NATS is not connected, or the stream refused the event;
//   - the event has more bytes than NATS takes (1 MiB, if not configured);
//   - its name is not text ([sse.ErrName]);
//   - its topic is none ([sse.ErrTopic]), or has a subject that the stream does not take;
//   - it has an ID, which only NATS gives: publish an [sse.Event] with ID 0;
//   - the broker has stopped ([sse.ErrStopped]).
//
// A name loses the white space around it.
func (m *Member) Publish(ctx context.Context, e sse.Event) error {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	if e.ID != 0 {
		return fmt.Errorf("not published: %w", errHasID)
	}
	if !text.IsLine(e.Name) {
		return fmt.Errorf("not published: %w", sse.ErrName)
	}
	if !text.IsTopic(e.Topic) {
		return fmt.Errorf("not published: %w", sse.ErrTopic)
	}
	msg := messageOf(e)
	sent := false // NATS may have the message.
	for {
		err := m.publishOnce(ctx, msg)
		if err == nil {
			return nil
		}
		sent = sent || mayBeStored(err)
		// Another try may succeed: the stream may have no leader, or not be created yet. Or the message was stored, and
		// only its answer was lost: the next try gets one, since NATS remembers the message ID.
		mayRetry := sent || errors.Is(err, jetstream.ErrNoStreamResponse)
		if mayRetry && m.waitToRetry(ctx) {
			continue
		}
		if sent {
			return fmt.Errorf("not confirmed by NATS, %w: %w", ErrUncertain, err)
		}
		return fmt.Errorf("not published: %w", err)
	}
}

// waitToRetry waits for retryWait. It returns false at once where ctx ends or the broker has stopped.
func (m *Member) waitToRetry(ctx context.Context) bool {
	select {
	case <-time.After(retryWait):
		return true
	case <-ctx.Done():
		return false
	case <-m.broker.Done():
		return false
	}
}

// messageOf returns the message of an event, with an ID by which JetStream deduplicates it.
func messageOf(e sse.Event) *nats.Msg {
	msg := nats.NewMsg(subjectOf(e.Topic))
	msg.Data = e.Data
	msg.Header.Set(jetstream.MsgIDHeader, rand.Text())
	if e.Name != "" {
		msg.Header.Set(nameHeader, e.Name)
	}
	return msg
}

// publishOnce publishes a message once and waits for the answer.
func (m *Member) publishOnce(ctx context.Context, msg *nats.Msg) error {
	select {
	case <-ctx.Done():
		return notSent{ctx.Err()}
	case <-m.broker.Done():
		return notSent{sse.ErrStopped}
	default:
	}
	js, _ := m.js.Load().(jetstream.JetStream)
	if js == nil || !m.connected.Load() {
		return notSent{errNotConnected}
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	answer := make(chan error, 1)
	// PublishMsg blocks, whatever its context, for as long as a frozen NATS does not answer to
	// a new connection.
	go func() {
		answer <- m.send(ctx, js, msg)
	}()
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// send sends a message to the stream, unless the stream does not take its subject. It has to look that up: where a
// subject has a subscriber that is no stream, NATS does not answer at all.
func (m *Member) send(ctx context.Context, js jetstream.JetStream, msg *nats.Msg) error {
	if subjects := m.subjects.Load(); subjects != nil && !takes(*subjects, msg.Subject) {
		if err := m.checkSubject(ctx, js, msg.Subject); err != nil {
			return err
		}
	}
	_, err := js.PublishMsg(ctx, msg, jetstream.WithRetryAttempts(0))
	if errors.Is(err, jetstream.ErrNoStreamResponse) {
		if err := m.checkSubject(ctx, js, msg.Subject); err != nil {
			return err
		}
	}
	return err
}

// checkSubject looks up whether the stream takes a subject, and returns an error where it certainly does not. It asks
// NATS, since the stream's operator may have changed the subjects.
func (m *Member) checkSubject(ctx context.Context, js jetstream.JetStream, s string) error {
	stream, err := js.Stream(ctx, streamName)
	if err != nil {
		return nil
	}
	subjects := stream.CachedInfo().Config.Subjects
	m.subjects.Store(&subjects)
	if takes(subjects, s) {
		return nil
	}
	return notSent{fmt.Errorf("stream %s on NATS does not take the subject %s: its operator has to add %s to its subjects",
		streamName, s, strings.Join(ourSubjects(), " and "))}
}

// notSent is an error after which nothing is stored: nothing was sent, or the stream does not take the subject.
type notSent struct{ error }

func (e notSent) Unwrap() error { return e.error }

// mayBeStored reports whether a message may be stored although its publication ended with err.
func mayBeStored(err error) bool {
	var before notSent
	var answer *jetstream.APIError
	switch {
	case errors.As(err, &before):
		return false
	case errors.As(err, &answer):
		return answer.ErrorCode == errDuplicateInProcess // An earlier try is on its way to the replicas.
	}
	for _, refused := range []error{
		jetstream.ErrNoStreamResponse, nats.ErrMaxPayload, nats.ErrHeadersNotSupported,
		nats.ErrReconnectBufExceeded, // the connection was just lost, and nothing is kept for the next
	} {
		if errors.Is(err, refused) {
			return false
		}
	}
	return true
}
