package cluster

import (
	"context"
	"errors"
	"iter"
	"time"

	"example.com/sse/sse"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// maxLookups is up to how many topics of a client are looked up one by one. For a client with more topics all of the
	// stream is read, and other topics' events are left out here.
	maxLookups = 1000

	// maxSources is up to how many topics with new events have a consumer each. Where a client has more, all of the
	// stream is read. Topics can't share a consumer: NATS would compare each message with each topic, which takes
	// seconds for some tens of topics.
	maxSources = 32

	// archivePatience is how long an archive waits for a NATS that is away, so that a client which
	// comes meanwhile has an open stream, and need not reconnect each second.
	archivePatience = 10 * time.Second
)

var (
	errDeletedMeanwhile = errors.New("the stream has deleted events while they were read")
	errAnotherStream    = errors.New("the stream was created again")
	errBehind           = errors.New("the stream's leader does not have its last events")
)

// archive is the member's [sse.Archive]. It has all events of some topics after a sequence that are in the stream,
// at least up to the last one that the broker had when archive was called. It waits for NATS in goroutines of its own,
// since a send to NATS may block whatever its context, and shares only the connection with what feeds the broker.
func (m *Member) archive(ctx context.Context, topics []string, after int64) (complete bool, events iter.Seq2[sse.Event, error]) {
	r := &replay{member: m, topics: topics, after: uint64(max(after, 0))}
	prepared := make(chan error, 1)
	go func() { prepared <- r.prepare(ctx) }()
	var err error
	select {
	case err = <-prepared:
	case <-ctx.Done():
		err = ctx.Err() // From here on r is not used, since the goroutine may still write to it.
	}
	if err != nil {
		return false, func(yield func(sse.Event, error) bool) { yield(sse.Event{}, err) }
	}
	// A client may name a negative ID, which NATS never gives. It gets all that the stream has, as incomplete.
	return r.complete && after >= 0, func(yield func(sse.Event, error) bool) { r.events(ctx, yield) }
}

// A replay reads from the stream what a client of some topics lacks. It belongs to one goroutine at a time.
type replay struct {
	member   *Member
	js       jetstream.JetStream
	topics   []string
	after    uint64 // the sequence of the client's last event
	limit    uint64 // the sequence of the stream's last message at the start: no event after it is read
	complete bool   // the stream still had all of the topics' events after the client's last one when prepare asked
	sources  []*source
	topicSet map[string]bool // the topics, where all of the stream is read; otherwise nil
	idle     time.Duration   // after how long NATS deletes a consumer that is not asked for messages
}

// prepare finds out what is to be read, and whether that is complete.
func (r *replay) prepare(ctx context.Context) error {
	if err := r.connect(ctx); err != nil {
		return err
	}
	given := r.member.given.Load() // before the stream says what it has: more may come meanwhile
	stream, err := r.stream(ctx)
	if err != nil {
		return err
	}
	info := stream.CachedInfo()
	if r.limit = info.State.LastSeq; r.limit < given {
		return errBehind
	}
	r.idle = archiveThreshold
	if limit := info.Config.ConsumerLimits.InactiveThreshold; limit > 0 {
		r.idle = min(r.idle, limit)
	}
	if r.member.isRefused() {
		return nil // The replay stays incomplete, and reads nothing, since it has no sources.
	}
	// findSources comes before retained: so what the stream deletes between the two calls makes the replay incomplete.
	if err := r.findSources(ctx); err != nil {
		return err
	}
	r.complete, err = r.retained(ctx, r.topics, r.after)
	return err
}

// connect waits until NATS is connected and the broker was filled.
func (r *replay) connect(ctx context.Context) error {
	for end := time.Now().Add(archivePatience); ; {
		js, _ := r.member.js.Load().(jetstream.JetStream)
		if js != nil && r.member.connected.Load() && r.member.ready.Load() {
			r.js = js
			return nil
		}
		if !time.Now().Before(end) {
			return errNotConnected
		}
		select {
		case <-time.After(retryWait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// findSources looks up the last event of each topic, by which the replay knows when all have come: a consumer can't
// tell, since it lives on a replica that may lag, and then says that no message is pending. Most topics have no event
// after the client's last one, and take no consumer.
func (r *replay) findSources(ctx context.Context) error {
	if len(r.topics) > maxLookups {
		return r.readWhole(ctx)
	}
	for _, topic := range r.topics {
		s := subjectOf(topic)
		last, err := lastSequence(ctx, r.js, []string{s})
		if err != nil {
			return err
		}
		if last <= r.after {
			continue
		}
		if len(r.sources) == maxSources {
			return r.readWhole(ctx)
		}
		r.sources = append(r.sources, &source{replay: r, topics: []string{topic}, subjects: []string{s}, after: r.after, wanted: last})
	}
	return nil
}

// readWhole makes one source of all of the stream.
func (r *replay) readWhole(ctx context.Context) error {
	last, err := lastSequence(ctx, r.js, ourSubjects())
	r.sources = []*source{{replay: r, topics: r.topics, subjects: r.member.filter(), after: r.after, wanted: last}}
	r.topicSet = make(map[string]bool, len(r.topics))
	for _, topic := range r.topics {
		r.topicSet[topic] = true
	}
	return err
}

// An archivedEvent is an event that was read, or the error after which no more are read.
type archivedEvent struct {
	event sse.Event
	err   error
}

// events yields the events while the next ones are read. It ends as soon as ctx does, also where NATS does not answer.
func (r *replay) events(ctx context.Context, yield func(sse.Event, error) bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events := make(chan archivedEvent)
	go func() {
		defer r.stop() // It may block, as any send to NATS may.
		defer close(events)
		if err := r.read(ctx, events); err != nil {
			select {
			case events <- archivedEvent{err: err}:
			case <-ctx.Done():
			}
		}
	}()
	for {
		select {
		case next, more := <-events:
			if !more || !yield(next.event, next.err) || next.err != nil {
				return
			}
		case <-ctx.Done():
			yield(sse.Event{}, ctx.Err())
			return
		}
	}
}

// read reads the events of all sources, in the order of their sequences. A source's next batch is
// read only when all of its events were taken.
func (r *replay) read(ctx context.Context, events chan<- archivedEvent) error {
	for {
		var first *source
		for _, s := range r.sources {
			if err := s.fill(ctx); err != nil {
				return err
			}
			if len(s.events) > 0 && (first == nil || s.events[0].ID < first.events[0].ID) {
				first = s
			}
		}
		if first == nil {
			return nil
		}
		select {
		case events <- archivedEvent{event: first.events[0]}:
		case <-ctx.Done():
			return ctx.Err()
		}
		first.events[0] = sse.Event{}
		first.events = first.events[1:]
	}
}

// stop ends the replay on NATS.
func (r *replay) stop() {
	for _, s := range r.sources {
		if s.messages != nil {
			r.member.deleteConsumer(s.messages)
		}
	}
}
