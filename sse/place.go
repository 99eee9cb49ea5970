package sse

import (
	"slices"
	"time"
)

// maxAhead is how long a client waits for its next event where the source is shared: servers
// lag behind each other by moments even when all is well, and a client that comes from one that
// was ahead shall not get all that is retained. After maxAhead the client's ID is treated as unknown, so the client
// gets all that is retained.
const maxAhead = 10 * time.Second

// place decides where a client begins in its topics' histories: after its last event ID, or at the
// end. It reports whether the client is done with waiting for that. A client waits
//
//   - while clients are held, unless it names a last event ID that is not above the broker's last, and the histories were filled;
//   - where the source is shared and the client is ahead of this server, until the event with its ID has come, or
//     maxAhead is over.
//
// A client for which the archive has something is done, too, but has no place: it gets one after its turn there.
func (b *Broker) place(c *client, now time.Time) (done bool) {
	from := c.beginning
	isAhead := from.resumes() && from.id > b.topics.lastID
	canResume := from.resumes() && !isAhead && b.filled
	if b.held && !canResume {
		return false
	}
	isShared := b.numbered.Load() // A source that calls Hold may be shared, so it is taken for shared.
	if isAhead && isShared && !b.hasWaitedEnough(from, now) {
		return false
	}
	complete := b.setPositions(c)
	archiveMayHaveMore := !complete && !isAhead && from.id != unplaceable && b.archive.Load() != nil
	if archiveMayHaveMore {
		b.queueReplay(c)
		return true
	}
	b.begin(c, complete)
	return true
}

// setPositions sets the positions at which a client begins, and reports whether no event that it is to get is missing.
func (b *Broker) setPositions(c *client) (complete bool) {
	complete = true
	for i := range c.subscriptions {
		s := &c.subscriptions[i]
		position, ok := b.position(s.topic, c.beginning)
		s.start, s.end = position, position
		complete = complete && ok
	}
	return complete
}

// begin begins the stream of a client whose positions are set. Events from there on, also those that wait to be fanned
// out, are new to the client. Where the histories are not complete for it, a gap event is due before them.
func (b *Broker) begin(c *client, complete bool) {
	from := c.beginning
	c.placed = true
	for i := range c.subscriptions {
		s := &c.subscriptions[i]
		if from != nil {
			b.stats.eventsSent.Add(s.topic.history.eventsFrom(s.start))
		}
		if c.several != nil && (s.topic.unsent || s.start < s.topic.history.end()) {
			c.several.mark(s)
		}
	}
	complete = complete && (from == nil || !from.gapDue)
	if from.resumes() && !from.told { // One that was told of a gap in its turn at the archive is counted already.
		b.stats.countResume(complete)
	}
	if complete {
		c.beginning = nil
		return
	}
	from.gap = gapEvent(from.lastEventID, c.firstID())
	b.stats.gaps.Add(1)
}

// position returns where in a topic's history a client begins, and whether no event that it is to get is missing.
func (b *Broker) position(t *topic, from *beginning) (position int64, complete bool) {
	switch {
	case from == nil:
		return t.history.end(), true
	case !from.resumes():
		h := &b.topics.get(t.name).history // get, since t may not know of the last restart yet
		return h.positionOf(max(h.firstResumableEntry, len(h.index)-from.last)), true
	}
	position, complete = b.topics.after(t, from.id)
	if !complete && from.read > from.id { // Up to read the archive has nothing more, so nothing is missing.
		_, complete = b.topics.after(t, from.read)
	}
	return position, complete
}

// firstID returns the ID of the first event that a placed client gets, or nil where no such event is retained.
func (c *client) firstID() (id *int64) {
	var first entry
	for i := range c.subscriptions {
		s := &c.subscriptions[i]
		if events := s.topic.history.from(s.start).events; len(events) > 0 && (id == nil || events[0].seq < first.seq) {
			first = events[0]
			id = &first.id
		}
	}
	return id
}

// placeOrWait places a client, or has it wait for that.
func (b *Broker) placeOrWait(c *client, now time.Time) {
	if !b.place(c, now) {
		c.isWaiting = true
		b.waiting = append(b.waiting, c)
		b.unplaced++
	}
	b.enqueue(c, now, false, &b.writers.lanes[few])
}

// placeWaiting places the clients that need not wait any longer.
func (b *Broker) placeWaiting() {
	now := time.Now()
	b.waiting = slices.DeleteFunc(b.waiting, func(c *client) bool {
		if c.index == gone {
			return true
		}
		done := b.place(c, now)
		if done {
			c.isWaiting = false
			b.unplaced--
			b.enqueue(c, now, false, &b.writers.lanes[many])
		}
		return done
	})
}

// forgetWaiters forgets the clients that have left without a place, once they are more than those that wait, and
// 64 more, so that a short list is not searched all the time: a source may be away for hours while clients come and go.
func (b *Broker) forgetWaiters() {
	if len(b.waiting) > 2*b.unplaced+64 {
		b.waiting = slices.DeleteFunc(b.waiting, func(c *client) bool { return c.index == gone })
	}
}

// hasWaitedEnough tells whether a client that is ahead has waited for maxAhead. If not, it sees to it that
// aheadTimer fires when the client has.
func (b *Broker) hasWaitedEnough(from *beginning, now time.Time) bool {
	if from.until.IsZero() {
		from.until = now.Add(maxAhead)
	}
	left := from.until.Sub(now)
	if left <= 0 {
		return true
	}
	if b.aheadUntil.IsZero() || from.until.Before(b.aheadUntil) {
		b.aheadUntil = from.until
		b.aheadTimer.Reset(left)
	}
	return false
}

// newStoppedTimer returns a timer that does not fire until it is reset.
func newStoppedTimer() *time.Timer {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return t
}
