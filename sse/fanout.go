package sse

import "time"

// add numbers an event that has no ID, appends it to its topic's history, and notes that the topic is
// to be fanned out. It returns the topic's lane.
func (b *Broker) add(e Event) *lane {
	now := time.Now()
	if e.ID == 0 {
		e.ID = max(now.UnixMicro(), b.topics.lastID+1)
	}
	before := b.topics.added
	t := b.topics.add(e)
	b.countEvent(t, now)
	l := &b.writers.lanes[few]
	if len(t.subscriptions) > clientsPerWriter {
		l = &b.writers.lanes[many]
	}
	if !t.unsent && len(t.subscriptions) > 0 {
		if !b.hasUnsent() {
			b.addedBeforeUnsent = before
		}
		if len(l.topics) == 0 {
			l.since = now
		}
		t.unsent = true
		l.topics = append(l.topics, t)
		for _, s := range t.subscriptions {
			if c := s.client; c.several != nil && c.placed {
				c.several.mark(s)
			}
		}
	}
	return l
}

// addAndFanOut adds an event, and fans it out unless its topic's lane is busy with a [round], the writers of an earlier
// fan-out: then all events that come meanwhile go out together when these have ended, or after
// maxRound. So the busier the server, the fewer its rounds. Where the events that wait take more than a quarter of
// [Options.History], they are fanned out at once: clients that keep up must not lose them to eviction.
func (b *Broker) addAndFanOut(e Event) {
	l := b.add(e)
	if len(b.waiting) > 0 {
		b.placeWaiting()
	}
	switch {
	case b.hasUnsent() && b.topics.added-b.addedBeforeUnsent > int64(b.options.History/4):
		b.fanOutAll()
	case !l.notifyIfBusy():
		b.fanOut(l)
	case !b.deferred:
		b.deferred = true
		b.roundTimer.Reset(maxRound)
	}
	b.writers.start()
}

// roundEnded fans out what has waited for the end of a round.
func (b *Broker) roundEnded(l *lane) {
	if !l.notifyIfBusy() {
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
	b.writers.round = b.newRound(l)
	for _, t := range l.topics {
		t.unsent = false // before the first client, so that each takes what is new in all of its topics at once
	}
	for i, t := range l.topics {
		for _, s := range t.subscriptions {
			// A client of several topics gets what is new in all of them with the first in this loop: the others are not fresh then.
			if c := s.client; c.placed && (c.several == nil || s.fresh) {
				b.enqueue(c, now, false, l)
			}
		}
		l.topics[i] = nil
	}
	l.topics = l.topics[:0]
	b.writers.start()
	b.writers.round.done() // The fan-out itself was in the round, which so could not end before all writers were started.
	b.writers.round = nil
	if b.deferred && !b.hasUnsent() {
		b.deferred = false
		b.roundTimer.Stop()
	}
}

// hasUnsent tells whether events wait to be fanned out.
func (b *Broker) hasUnsent() bool {
	return len(b.writers.lanes[few].topics)+len(b.writers.lanes[many].topics) > 0
}

// fanOutAll fans out what is new in all topics, and places the clients that wait.
func (b *Broker) fanOutAll() {
	b.placeWaiting()
	for i := range b.writers.lanes {
		b.fanOut(&b.writers.lanes[i])
	}
}

// enqueue makes pending what a client has not been sent yet. Where that is nothing and a heartbeat is due, enqueue makes
// the heartbeat pending. It reports whether it did the latter. A heartbeat that is pending already stays pending, and
// c.since stays as it is: from c.since the broker tells that a client does not read. enqueue never blocks: takeBack has
// emptied the outbox, and only listen puts something into it.
func (b *Broker) enqueue(c *client, now time.Time, heartbeat bool, l *lane) (becamePending bool) {
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
	heartbeatWasPending := c.showHeartbeats && b.isHeartbeat(pending) // a heartbeat that the client wants to see is pending
	if c.stalled(now) || c.placed && !c.extend(&pending) {
		b.cutOffSlow(c)
		return false
	}
	if becamePending = heartbeat && pending.isEmpty(); becamePending {
		pending.bytes = b.heartbeat(c)
		c.commented = !c.showHeartbeats
	} else if c.hasRange() {
		c.commented = false
	}
	// Where an event has taken a heartbeat's place, another heartbeat is due at the next step of the heartbeats' wheel. If keepAlive
	// is the caller, it adds the client itself: it has taken the client out of the wheel, so nothing can be removed there.
	if heartbeatWasPending && !heartbeat && !b.isHeartbeat(pending) {
		b.heartbeats.remove(c)
		b.heartbeats.add(c, 0)
	}
	if !pending.isEmpty() && c.outbox.put(pending) {
		b.writers.add(c, l)
	}
	return becamePending
}

// cutOffSlow cuts off a client that is too slow.
func (b *Broker) cutOffSlow(c *client) {
	c.notice(bySlowness)
	c.cutOff()
	b.stats.slowClients.Add(1)
}
