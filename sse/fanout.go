package sse

import (
	"slices"
	"time"
)

// maxAhead is how long a client waits for its next event where the source is shared: servers
// lag behind each other by moments even when all is well, and a client that comes from one that
// was ahead shall not get all that is retained. After that its ID counts as none of the source's.
const maxAhead = 10 * time.Second

// comment is a heartbeat, which clients ignore. No blank line follows it: a block without
// data makes several clients dispatch an empty event.
var comment = []byte(":\n")

// heartbeat returns a client's heartbeat: a comment, or an event where the client wants to see it.
func (b *Broker) heartbeat(c *client) []byte {
	if c.showHeartbeats {
		return b.heartbeatEvent
	}
	return comment
}

// A waiter is a client that has no place in its topics' histories yet.
type waiter struct {
	client *client
	until  time.Time // how long it waits for an event that this broker does not have yet; zero where it does not
}

// place decides where a client begins in its topics' histories: after its last event ID, or at the
// end. A client waits without a place while clients are held and, where the source is
// shared, until the event with its ID has come or maxAhead is over.
func (b *Broker) place(w *waiter, now time.Time) (placed bool) {
	c := w.client
	ahead := c.resumes && c.lastEventID > b.topics.lastID
	if b.held && (ahead || !c.resumes) {
		return false
	}
	if ahead && b.numbered.Load() && !b.hasWaitedEnough(w, now) {
		return false
	}
	complete := true
	for i := range c.subscriptions {
		s := &c.subscriptions[i]
		position, ok := s.topic.history.end(), true
		if c.resumes {
			position, ok = b.topics.after(s.topic, c.lastEventID)
		}
		s.start, s.end = position, position
		complete = complete && ok
		if c.several != nil && (s.topic.unsent || position < s.topic.history.end()) {
			c.several.mark(s)
		}
	}
	c.placed = true
	if c.resumes {
		b.stats.resumes.Add(1)
		if !complete {
			b.stats.resumesIncomplete.Add(1)
		}
	}
	return true
}

// placeWaiting places the clients that need not wait any longer.
func (b *Broker) placeWaiting() {
	now := time.Now()
	b.waiting = slices.DeleteFunc(b.waiting, func(w *waiter) bool {
		if w.client.index == gone {
			return true
		}
		placed := b.place(w, now)
		if placed {
			b.unplaced--
			b.enqueue(w.client, now, false, &b.writers.lanes[many])
		}
		return placed
	})
}

// forgetWaiters forgets the clients that have left without a place, once they are the most of all that wait: a
// source may be away for hours while clients come and go.
func (b *Broker) forgetWaiters() {
	if len(b.waiting) > 2*b.unplaced+64 {
		b.waiting = slices.DeleteFunc(b.waiting, func(w *waiter) bool { return w.client.index == gone })
	}
}

// hasWaitedEnough tells whether a client that is ahead has waited for maxAhead. Otherwise
// aheadTimer will fire when it has.
func (b *Broker) hasWaitedEnough(w *waiter, now time.Time) bool {
	if w.until.IsZero() {
		w.until = now.Add(maxAhead)
	}
	left := w.until.Sub(now)
	if left <= 0 {
		return true
	}
	if b.aheadUntil.IsZero() || w.until.Before(b.aheadUntil) {
		b.aheadUntil = w.until
		b.aheadTimer.Reset(left)
	}
	return false
}

// add numbers an event that has no ID, appends it to its topic's history, and notes that the topic is
// to be fanned out. It returns the topic's lane.
func (b *Broker) add(e Event) *lane {
	if e.ID == 0 {
		e.ID = max(time.Now().UnixMicro(), b.topics.lastID+1)
	}
	t := b.topics.add(e)
	b.stats.events.Add(1)
	b.stats.topics.Store(int64(len(b.topics.byName)))
	l := &b.writers.lanes[few]
	if len(t.subscriptions) > clientsPerWriter {
		l = &b.writers.lanes[many]
	}
	if len(t.subscriptions) > 0 {
		b.unsent += t.history.size(len(t.history.index) - 1)
		if !t.unsent {
			t.unsent = true
			l.topics = append(l.topics, t)
			for _, s := range t.subscriptions {
				if c := s.client; c.several != nil && c.placed {
					c.several.mark(s)
				}
			}
		}
	}
	return l
}

// addAndFanOut adds an event, and fans it out unless a round of its topic's lane is still under way:
// then what comes meanwhile goes out together after the round, or after maxRound. So the busier the
// server, the fewer its rounds. Where payloads are so large that what clients have not been sent
// might be evicted, they are fanned out at once.
func (b *Broker) addAndFanOut(e Event) {
	l := b.add(e)
	if len(b.waiting) > 0 {
		b.placeWaiting()
	}
	switch {
	case b.unsent > int64(b.options.History/4):
		b.fanOutAll()
	case !l.busy():
		b.fanOut(l)
	case !b.deferred:
		b.deferred = true
		b.roundTimer.Reset(maxRound)
	}
	b.writers.start()
}

// roundEnded fans out what has waited for the end of a round.
func (b *Broker) roundEnded(l *lane) {
	if !l.busy() {
		b.fanOut(l)
	}
}

// abandonRounds has events wait no longer for rounds that do not end.
func (b *Broker) abandonRounds() {
	for i := range b.writers.lanes {
		b.writers.lanes[i].abandonRound()
		b.fanOut(&b.writers.lanes[i])
	}
}

// fanOut makes pending, for every client of a lane's topics, what it has not been sent yet.
func (b *Broker) fanOut(l *lane) {
	now := time.Now()
	for i, t := range l.topics {
		t.unsent = false
		for _, s := range t.subscriptions {
			// Not where another of the client's topics has come first, and has taken this one along.
			if c := s.client; c.placed && (c.several == nil || s.fresh) {
				b.enqueue(c, now, false, l)
			}
		}
		l.topics[i] = nil
	}
	l.topics = l.topics[:0]
	b.writers.start()
	if len(b.writers.lanes[few].topics)+len(b.writers.lanes[many].topics) == 0 {
		b.unsent = 0
		if b.deferred {
			b.deferred = false
			b.roundTimer.Stop()
		}
	}
}

// fanOutAll fans out what is new in all topics, and places the clients that wait.
func (b *Broker) fanOutAll() {
	b.placeWaiting()
	for i := range b.writers.lanes {
		b.fanOut(&b.writers.lanes[i])
	}
}

// enqueue makes pending what a client has not been sent yet or, where that is nothing and a heartbeat
// is due, the heartbeat, and reports whether that was it. A heartbeat that is pending already stays so: how long
// it has been pending is how a client is noticed that does not read. Only listen puts something into
// an outbox, and it has just emptied this one, so this never blocks.
func (b *Broker) enqueue(c *client, now time.Time, heartbeat bool, l *lane) (beaten bool) {
	if c.finished {
		if !c.cut && c.stalled(now) { // It does not read the last of a stream that ends.
			b.cutOffSlow(c)
		}
		return false
	}
	pending, ok := c.outbox.takeBack()
	if !ok {
		c.taken(now)
	}
	if c.stalled(now) || c.placed && !c.extend(&pending) {
		b.cutOffSlow(c)
		return false
	}
	if beaten = heartbeat && pending.isEmpty(); beaten {
		pending.bytes = b.heartbeat(c)
		c.commented = !c.showHeartbeats
	} else if c.hasRange() {
		c.commented = false
	}
	if !pending.isEmpty() && c.outbox.put(pending) {
		b.writers.add(c, l)
	}
	return beaten
}

// cutOffSlow cuts off a client that is too slow.
func (b *Broker) cutOffSlow(c *client) {
	c.cutOff()
	b.stats.slowClients.Add(1)
}
