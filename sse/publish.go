package sse

import (
	"context"
	"errors"

	"example.com/sse/internal/text"
)

var (
	// ErrStopped is what [Broker.Publish] returns once [Broker.Shutdown] has begun.
	ErrStopped = errors.New("sse: the broker has stopped")

	// ErrNoID is what [Broker.Publish] returns for an event without an ID where the broker's
	// source numbers its events, as [Broker.Hold] says: an ID of the broker's own would not
	// fit among the source's.
	ErrNoID = errors.New("sse: the event has no ID, and the broker's source numbers its events")

	// ErrName is what [Broker.Publish] returns for an event whose name is not one line of text,
	// as [Event] says.
	ErrName = errors.New("sse: the event's name is not one line of UTF-8 without control characters")

	// ErrTopic is what [Broker.Publish] returns for an event whose topic is not valid, as [Event] says.
	ErrTopic = errors.New("sse: the event's topic is not one line of UTF-8 without control characters, of at most 256 bytes")

	// ErrFull is wrapped by the error of a source's own way to publish, such as [Publisher.Publish], where there is no room
	// to store the event. [Broker.Publish] never returns it.
	ErrFull = errors.New("there is no room to store the event")
)

// publishedBuffer is how many events may wait that [Broker.Publish] has handed over: a publisher that has several at once
// need not wait each time until listen has run.
const publishedBuffer = 8

// Publish gives the broker an event. It returns nil when the broker has the event for
// certain: the event goes out to every client of its topic that keeps reading, before [Broker.Shutdown] ends
// the streams.
// Otherwise it returns [ErrStopped], [ErrNoID], [ErrName], [ErrTopic] or the context's error, and no client gets
// the event.
//
// Data may have any length, but some clients end their stream at an event that is longer on the wire than
// they expect. When they reconnect the event is replayed to them, and they end again, as long as the event is
// retained. Many clients in Go read with a bufio.Scanner: at most 64 KiB a line, or, as r3labs/sse and
// tmaxmax/go-sse do, 64 KiB an event. [Publisher] accepts only what these can read.
func (b *Broker) Publish(ctx context.Context, e Event) error {
	if e.ID == 0 && b.numbered.Load() {
		return ErrNoID
	}
	if !text.IsLine(e.Name) {
		return ErrName
	}
	if !text.IsTopic(e.Topic) {
		return ErrTopic
	}
	b.publishing.RLock()
	defer b.publishing.RUnlock()
	select {
	case <-b.done:
		return ErrStopped
	default:
	}
	select {
	case b.published <- e:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// catchUp adds and fans out the events that wait in published. It is called before all that must come after them: to a client
// that connects after Publish has returned they are not new, and a stream that ends then has them.
func (b *Broker) catchUp() {
	for range len(b.published) {
		b.addAndFanOut(<-b.published)
	}
}

// addBuffered adds the events that wait in Notifier.
func (b *Broker) addBuffered() {
	for range len(b.Notifier) {
		if e, ok := <-b.Notifier; ok {
			b.add(e)
		}
	}
}
