package sse

import (
	"context"
	"strconv"
	"time"
)

// A replay is a client's turn at the archive. The turn has a goroutine of its own from its beginning to its
// end. The client's writer hands the client over to that goroutine.
type replay struct {
	client   *client
	archive  Archive
	topics   []string
	ctx      context.Context // ends with the turn
	cancel   context.CancelFunc
	handed   chan struct{} // no buffer: once a send is through, the turn's goroutine is the client's writer
	restarts int           // how many restarts of the numbering there were when the turn began
	newest   int64         // the newest event's ID then

	// Owned by the turn's goroutine, and by listen once the turn has ended:

	lastEventID string // what the client has named, or the ID of the last event that the turn has sent
	id          int64  // the same as a number, or unplaceable
	gap         bool   // the client is to be told of a gap
	told        bool   // the client was told of it
	more        bool   // the turn was over before the archive was read to its end
	err         error  // what ended the archive's sequence
}

func newReplay(c *client, a Archive) *replay {
	ts, from := &c.broker.topics, c.beginning
	r := &replay{
		client: c, archive: a, handed: make(chan struct{}),
		restarts: ts.restarts, newest: ts.lastID,
		lastEventID: from.lastEventID, id: from.id,
	}
	for i := range c.subscriptions {
		r.topics = append(r.topics, c.subscriptions[i].topic.name)
	}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	return r
}

// run waits until the client's writer has handed the client over, writes to it what the archive has, says that the turn
// has ended, and is then the client's writer like any other.
func (r *replay) run() {
	defer r.client.broker.streams.Done()
	defer r.cancel()
	var failed error
	isWriter := false
	select {
	case <-r.handed:
		isWriter = true
		if failed = r.write(); failed != nil {
			r.client.fail(failed)
		}
	case <-r.ctx.Done():
	}
	select {
	case r.client.broker.replayEnds <- r:
	case <-r.client.broker.stopped:
	}
	if isWriter && failed == nil {
		r.client.writeAlone(nil)
	} else {
		r.client.users.Done()
	}
}

// hand hands the client over to the turn's goroutine, unless the turn has ended, and reports whether it did. It is
// called by the client's writer, which is no longer that once hand has returned true.
func (r *replay) hand() bool {
	select {
	case r.handed <- struct{}{}:
		return true
	case <-r.ctx.Done():
		return false
	}
}

// write writes to the client what the archive has, until the turn is over. Its error is that of a write to the client.
func (r *replay) write() error {
	complete, events := r.archive(r.ctx, r.topics, r.id)
	r.gap = !complete
	began := time.Now()
	out := partSender{client: r.client}
	for e, err := range events {
		if r.err = err; err != nil || r.ctx.Err() != nil {
			break
		}
		if e.ID > r.id { // The archive was asked for no other.
			r.add(&out, e)
		}
		if err := out.flush(maxPart); err != nil {
			return err
		}
		if r.more = time.Since(began) > replayTurn; r.more {
			break
		}
	}
	return out.flush(1)
}

// add adds an event to what is to be written, after a gap event where one is due.
func (r *replay) add(out *partSender, e Event) {
	if r.gap {
		out.buf = append(out.buf, gapEvent(r.lastEventID, &e.ID)...)
		r.gap, r.told = false, true
		r.client.broker.stats.gaps.Add(1)
	}
	out.buf = e.appendTo(out.buf)
	r.client.broker.stats.eventsSent.Add(1)
	r.id, r.lastEventID = e.ID, strconv.FormatInt(e.ID, 10)
}

// A partSender sends to one client, as the client's writer, in parts.
type partSender struct {
	writer
	client *client
	buf    []byte // what is not sent yet
}

// flush sends parts until fewer than least bytes are left.
func (p *partSender) flush(least int) error {
	defer p.client.broker.countSent(&p.writer)
	rest := p.buf
	for len(rest) >= least {
		part := rest[:min(len(rest), maxPart)]
		p.frame.Forget() // The buffer has other bytes now.
		if _, err := p.write(p.client, part); err != nil {
			return err
		}
		p.sent += int64(len(part))
		p.client.hasProgressed()
		rest = rest[len(part):]
	}
	if len(rest) == 0 && cap(p.buf) > 4*maxPart {
		p.buf = nil // A large event was in it.
	}
	p.buf = p.buf[:copy(p.buf, rest)]
	return nil
}
