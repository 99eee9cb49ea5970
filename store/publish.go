package store

import (
	"context"
	"errors"
	"fmt"

	"example.com/sse/internal/text"
	"example.com/sse/sse"

	bolt "go.etcd.io/bbolt"
)

const (
	// maxBatch and maxBatchBytes bound what is stored in one transaction, so that nobody waits long for it.
	maxBatch      = 1024
	maxBatchBytes = 4 << 20
)

var (
	// ErrUncertain is wrapped by the error of [Store.Publish] where the event may be stored even so.
	ErrUncertain = errors.New("it may be stored even so")

	// ErrFailed is wrapped by the error of [Store.Publish] where the file can't be written. The log says why.
	ErrFailed = errors.New("the disk does not take it")

	errHasID = errors.New("the event has an ID, but the store numbers the events")
)

// A publication is an event on its way to the disk.
type publication struct {
	event  sse.Event
	result chan error // capacity 1: what Publish returns
}

// Publish stores an event, and then gives it to the broker. It returns nil when the event is on disk: from then on neither a crash nor a
// power cut loses it, and every client gets it, now or when it resumes. Events get their IDs in the order in which they
// are stored: an ID is the time in microseconds since 1970, or the last ID plus one where that is larger, also where the clock
// was set back since the last start.
//
// Otherwise Publish returns an error, none of which tells where the file is. Where it wraps [ErrUncertain], the event may be stored even so,
// and whoever publishes it again may publish it twice; after any other error it is not, and will not be. It wraps
//
//   - [sse.ErrName], [sse.ErrTopic]: the event can't be published; an ID, which only the store gives, is an error, too;
//   - [sse.ErrFull]: the disk is full;
//   - [ErrFailed]: the disk has another error; the log says which;
//   - [sse.ErrStopped]: the broker has stopped, or the store is closed;
//   - the context's error. Where ctx ends while the event is being stored, the error wraps ErrUncertain, too.
//
// While the broker is being filled Publish waits.
func (s *Store) Publish(ctx context.Context, e sse.Event) error {
	switch {
	case e.ID != 0:
		return fmt.Errorf("not published: %w", errHasID)
	case !text.IsLine(e.Name):
		return fmt.Errorf("not published: %w", sse.ErrName)
	case !text.IsTopic(e.Topic):
		return fmt.Errorf("not published: %w", sse.ErrTopic)
	}
	if err := s.check(ctx); err != nil {
		return fmt.Errorf("not published: %w", err)
	}
	s.counts.waiting.Add(1)
	defer s.counts.waiting.Add(-1)
	e.Gap = sse.NoGap
	p := &publication{e, make(chan error, 1)}
	select {
	case s.queue <- p:
	case <-ctx.Done():
		return fmt.Errorf("not published: %w", ctx.Err())
	case <-s.broker.Done():
		return fmt.Errorf("not published: %w", sse.ErrStopped)
	case <-s.closing:
		return fmt.Errorf("not published: %w", sse.ErrStopped)
	}
	select {
	case err := <-p.result:
		return err
	case <-ctx.Done():
		return fmt.Errorf("not known to be stored, %w: %w", ErrUncertain, ctx.Err())
	}
}

// commitAll stores what is published until Close.
func (s *Store) commitAll() {
	for {
		select {
		case p := <-s.queue:
			s.commit(s.collect(p))
		case <-s.closing:
			return
		}
	}
}

// collect returns a publication and all others that wait, as far as they fit into a batch.
func (s *Store) collect(first *publication) []*publication {
	batch := []*publication{first}
	for size := len(first.event.Data); len(batch) < maxBatch && size < maxBatchBytes; {
		select {
		case p := <-s.queue:
			batch = append(batch, p)
			size += len(p.event.Data)
		default:
			return batch
		}
	}
	return batch
}

// commit stores a batch in one transaction.
func (s *Store) commit(batch []*publication) {
	if err := s.reopen(); err != nil {
		s.refuse(batch, err)
		return
	}
	state, err := s.write(func(w *writer) error {
		for _, p := range batch {
			p.event.ID = max(s.now().UnixMicro(), w.state.last+1)
			if err := w.add(p.event); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.state.last = max(s.state.last, batch[len(batch)-1].event.ID) // No ID is given twice, also where nobody got it.
		s.recover(batch, err)
		return
	}
	s.accept(batch, state)
}

// write writes to the file in a transaction, and returns the state after it.
func (s *Store) write(fn func(*writer) error) (st state, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	defer guard(&err)()
	st = s.state
	err = s.db.Update(func(tx *bolt.Tx) error {
		w := newWriter(tx, &st, s.options.Bytes)
		if err := fn(w); err != nil {
			return err
		}
		return w.putState()
	})
	return st, err
}

// accept takes note that a batch is on disk, or may be (see recover), and hands it to the feeder.
func (s *Store) accept(batch []*publication, st state) {
	s.state, s.complaint = st, ""
	s.counts.stored.Add(int64(len(batch)))
	s.counts.set(st)
	s.batches <- batch
}

// refuse answers those that wait for a batch that is not stored.
func (s *Store) refuse(batch []*publication, err error) {
	s.counts.failed.Add(int64(len(batch)))
	for _, p := range batch {
		p.answer(err)
	}
}

// answer says what has become of a publication. Only the first call counts: recover may have answered before feed does.
func (p *publication) answer(err error) {
	select {
	case p.result <- err:
	default:
	}
}

// feed gives the broker what was stored, and answers those that wait for it. A broker that has stopped takes nothing: its
// clients have left, and get the event when they resume.
func (s *Store) feed() {
	for batch := range s.batches {
		for _, p := range batch {
			s.fed.Store(p.event.ID) // before, since the archive must have what the broker has
			s.broker.Publish(context.Background(), p.event)
			p.answer(nil)
		}
	}
}
