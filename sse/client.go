package sse

import (
	"sync"
	"sync/atomic"
	"time"

	"example.com/sse/sse/internal/transport"
)

// A client is a registered connection.
type client struct {
	// Set before the client is registered:

	broker         *Broker
	out            transport.Transport
	socket         *transport.Socket // out, where the connection was hijacked; otherwise nil
	showHeartbeats bool              // its heartbeats are events
	ends           *ending           // when its stream is to end; nil for never
	ended          func()            // what to call when its stream has ended; nil for nothing

	outbox  outbox         // from listen to the client's writer
	writing batch          // what its writer has picked up and not written yet; owned by the writer
	users   sync.WaitGroup // the writers that may use out; join adds the first, then listen or a writer adds others

	// progress is when hasProgressed was last called, in nanoseconds since the broker began.
	progress atomic.Int64

	// Owned by listen, but for next, which is the writer's while the client is in its list:

	next          *client         // in a list of clients
	index         int             // in the registry; gone where the client is not there
	beat          beat            // where it is among the heartbeats
	subscriptions []subscription  // one for each of its topics; together they are its cursor, at one place in the order of all events
	single        [1]subscription // the array of subscriptions where there is one: it saves an allocation
	several       *several        // nil where there is one at most
	since         time.Time       // when listen last found the outbox empty: since then something is pending, if anything is
	beginning     *beginning      // where in its topics' histories its stream begins; nil for at the end, or once it has begun
	placed        bool            // its subscriptions have positions
	isWaiting     bool            // it is in the broker's waiting, for its place
	commented     bool            // what was made pending last is a comment
	finished      bool            // its outbox gets nothing more
	cut           bool            // it was cut off

	// noticed is the first reason for its end that a goroutine has noticed, byClient where none was. It is here because there was
	// room: a larger client would take 32 bytes more.
	noticed atomic.Int32
}

// gone is the index of a client that is not in the registry.
const gone = -1

// several says which subscriptions of a client with more than one have something new, so that an event costs no look
// at the others. What is new in all of them goes out together, or the client would get a later event first.
type several struct {
	fresh   []*subscription // those whose topics have something new for the client, or wait to be fanned out
	pending []*subscription // those of which a range is pending
}

// taken says that the client's writer has picked up what was pending: the next range begins where that one ended.
func (c *client) taken(now time.Time) {
	c.since = now
	if c.several == nil {
		for i := range c.subscriptions {
			c.subscriptions[i].start = c.subscriptions[i].end
		}
		return
	}
	for _, s := range c.several.pending {
		s.start, s.run = s.end, noRun
	}
	clear(c.several.pending)
	c.several.pending = c.several.pending[:0]
}

// extend adds to what is pending all that is new in the client's topics. It reports whether nothing
// of that was evicted. Where something was, the client has to reconnect, and gets what is retained.
func (c *client) extend(pending *batch) (ok bool) {
	// A placed client still has its beginning only where a gap event is due, which replaces the heartbeat that may be pending.
	if c.beginning != nil {
		*pending = batch{merge: &merge{first: c.beginning.gap}}
		c.beginning, c.commented = nil, false
	}
	if c.several != nil {
		return c.several.extend(pending)
	}
	for i := range c.subscriptions {
		s := &c.subscriptions[i]
		h := &s.topic.history
		if s.end = h.end(); s.evicted() {
			return false
		}
		switch {
		case s.start == s.end:
		case pending.merge != nil:
			pending.merge.runs = append(pending.merge.runs[:0], h.from(s.start))
		default:
			*pending = batch{bytes: h.between(s.start, s.end)}
		}
	}
	return true
}

// hasRange tells whether, as far as listen knows, a range of one of the client's topics is pending: the writer may have picked
// it up since listen last called taken.
func (c *client) hasRange() bool {
	if c.several != nil {
		return len(c.several.pending) > 0
	}
	return len(c.subscriptions) > 0 && c.subscriptions[0].start < c.subscriptions[0].end
}

// mark notes that a subscription has something new, or that its topic waits to be fanned out: further events then mark nothing.
func (s *several) mark(sub *subscription) {
	if !sub.fresh {
		sub.fresh = true
		s.fresh = append(s.fresh, sub)
	}
}

// extend is [client.extend]. What is pending changes so:
//
//	before                   what is new                 after
//	nothing, or a heartbeat  of one topic / of several   its range / a merge
//	one topic's range        of that topic / of others   the longer range / a merge
//	a merge                  of any topics               the same merge, with longer runs and further ones
func (s *several) extend(pending *batch) (ok bool) {
	unsent := s.fresh[:0]
	// s.pending[:before] had ranges pending before this call: a merge that is pending has their runs, in that order.
	before, changed := len(s.pending), false
	for _, sub := range s.fresh {
		h := &sub.topic.history
		if sub.end = h.end(); sub.evicted() {
			return false
		}
		if sub.start < sub.end {
			changed = true
			if sub.run == noRun {
				sub.run = len(s.pending)
				s.pending = append(s.pending, sub)
			} else if pending.merge != nil {
				pending.merge.runs[sub.run] = h.from(sub.start)
			}
		}
		// While the topic waits to be fanned out, add marks no subscription for further events of it. So the subscription
		// stays marked: a later event of another topic must not go out before these.
		if sub.fresh = sub.topic.unsent; sub.fresh {
			unsent = append(unsent, sub)
		}
	}
	clear(s.fresh[len(unsent):])
	s.fresh = unsent
	switch {
	case !changed: // What is pending may have been evicted, but its bytes stay until they are written.
		return true
	case len(s.pending) == 1 && pending.merge == nil: // There is one range, so no merge is needed.
		only := s.pending[0]
		*pending = batch{bytes: only.topic.history.between(only.start, only.end)}
		return true
	case pending.merge == nil:
		*pending = batch{merge: new(merge)}
		before = 0 // The new merge has no runs yet.
	}
	for _, sub := range s.pending[before:] {
		if sub.evicted() {
			return false
		}
		pending.merge.runs = append(pending.merge.runs, sub.topic.history.from(sub.start))
	}
	return true
}

// A registration is a client that is to be registered, and its topics, each once.
type registration struct {
	client *client
	topics []string
	done   chan struct{} // closed when the client is registered, or can't be
}

// join registers a client for topics, each once, and reports whether it did: a broker that drains or has stopped takes
// no client. What the client has missed is pending once join returns true, unless it waits for its place or for the archive.
func (b *Broker) join(c *client, topics ...string) bool {
	c.users.Add(1) // its first writer
	r := registration{c, topics, make(chan struct{})}
	if c.ends != nil {
		c.ends.start(b, c, r.done)
	}
	select {
	case b.newClients <- r:
		<-r.done
		return true
	case <-b.drain.draining:
	case <-b.done:
	}
	close(r.done)
	return false
}

// ConnectionEnded unregisters the client ([transport.Owner]). Only whoever notices the end of the client's connection
// calls it, the watcher of sockets or the request's handler: writers only end a stream, or cut it off.
func (c *client) ConnectionEnded(why error) {
	c.noticeError(why)
	c.broker.closingClients <- c
	c.broker.streams.Done()
}

// cutOff cuts the client off. It does not wait. It is called by listen alone.
func (c *client) cutOff() {
	if !c.cut {
		c.cut, c.finished = true, true
		c.broker.leaveReplays(c)
		c.out.CutOff()
	}
}

// stalled tells whether the client's socket has taken nothing for too long, although something is
// pending: the client's writer has neither picked up a range nor written a part of one. It is called
// by listen alone.
func (c *client) stalled(now time.Time) bool {
	timeout := c.broker.stallTimeout()
	return now.Sub(c.since) > timeout && now.Sub(c.broker.began)-time.Duration(c.progress.Load()) > timeout
}

// hasProgressed notes that a part was written. The client's writer does not call it after the last part of a
// batch, unless a try has left some of that, so a client that keeps up costs no look at the clock. A turn at the
// archive calls it after each part.
func (c *client) hasProgressed() { c.progress.Store(int64(time.Since(c.broker.began))) }
