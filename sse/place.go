package sse

import (
	"slices"
	"time"
)

// maxAhead is how long a client waits for its next event where the source is shared: servers
// lag behind each other by moments even when all is well, and a client that comes from one that
// was ahead shall not get all that is retained. After that its ID counts as none of the source's.
const maxAhead = 10 * time.Second

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
	if b.held && (ahead || !c.resumes || !b.filled) {
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
			b.stats.eventsSent.Add(s.topic.history.eventsFrom(position))
		}
		s.start, s.end = position, position
		complete = complete && ok
		if c.several != nil && (s.topic.unsent || position < s.topic.history.end()) {
			c.several.mark(s)
		}
	}
	c.placed = true
	if c.resumes {
		b.stats.countResume(complete)
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

// newStoppedTimer returns a timer that does not fire until it is reset.
func newStoppedTimer() *time.Timer {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return t
}
