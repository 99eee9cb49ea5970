package sse

import "time"

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

// place decides where in the history a client begins: after its last event ID, or at the
// end. A client waits without a position while clients are held and, where the source is
// shared, until the event with its ID has come or maxAhead is over.
func (b *Broker) place(c *client, now time.Time) {
	if c.cursor.placed {
		return
	}
	ahead := c.resumes && c.lastEventID > b.history.lastID
	if b.held && (ahead || !c.resumes) {
		return
	}
	if ahead && b.numbered.Load() && !b.hasWaitedEnough(c, now) {
		return
	}
	position, complete := b.history.end(), true
	if c.resumes {
		position, complete = b.history.after(c.lastEventID)
		b.stats.resumes.Add(1)
	}
	if !complete {
		b.stats.resumesIncomplete.Add(1)
	}
	c.cursor.place(position)
	b.unplaced--
}

// hasWaitedEnough tells whether a client that is ahead has waited for maxAhead. Otherwise
// aheadTimer will fire when it has.
func (b *Broker) hasWaitedEnough(c *client, now time.Time) bool {
	if c.waitUntil.IsZero() {
		c.waitUntil = now.Add(maxAhead)
	}
	left := c.waitUntil.Sub(now)
	if left <= 0 {
		return true
	}
	if b.aheadUntil.IsZero() || c.waitUntil.Before(b.aheadUntil) {
		b.aheadUntil = c.waitUntil
		b.aheadTimer.Reset(left)
	}
	return false
}

// maybeFanOut fans out what is new, unless a round of writes is still under way: then what comes
// meanwhile goes out together after the round, or after maxRound. So the busier the server,
// the fewer its rounds. Where payloads are so large that the history would evict what clients
// have not been sent, it fans out at once.
func (b *Broker) maybeFanOut() {
	unsent := b.history.end() - b.fannedOut
	if unsent == 0 {
		return
	}
	if unsent > int64(b.history.max/2) || !b.writers.busy() {
		b.fanOut(false)
	} else if !b.deferred {
		b.deferred = true
		b.roundTimer.Reset(maxRound)
	}
}

// fanOut makes pending, for every client, what it has not been sent yet or, where that is
// nothing and a heartbeat is due, the heartbeat.
func (b *Broker) fanOut(heartbeat bool) {
	b.fannedOut = b.history.end()
	if b.deferred {
		b.deferred = false
		b.roundTimer.Stop()
	}
	now := time.Now()
	for _, c := range b.clients {
		b.place(c, now)
		b.enqueue(c, now, heartbeat)
	}
	b.writers.start()
}

// enqueue makes pending what a client has not been sent yet or, where that is nothing and a heartbeat
// is due, the heartbeat. A heartbeat that is pending already stays so: how long it has been pending is
// how a client is noticed that does not read. Only listen puts something into an outbox, and it has
// just emptied this one, so this never blocks.
func (b *Broker) enqueue(c *client, now time.Time, heartbeat bool) {
	if c.finished {
		if !c.cut && c.stalled(now) { // It does not read the last of a stream that ends.
			b.cutOffSlow(c)
		}
		return
	}
	batch := c.outbox.takeBack()
	if batch == nil {
		c.cursor.taken(now)
	}
	c.cursor.advance(b.history.end())
	// Once its next event is evicted, a client can only reconnect and get what is retained.
	if c.stalled(now) || c.cursor.evicted(&b.history) {
		b.cutOffSlow(c)
		return
	}
	if !c.cursor.empty() {
		batch = b.history.between(c.cursor.start, c.cursor.end)
		c.commented = false
	} else if heartbeat {
		batch = b.heartbeat(c)
		c.commented = !c.showHeartbeats
	}
	if batch != nil && c.outbox.put(batch) {
		b.writers.add(c)
	}
}

// cutOffSlow cuts off a client that is too slow.
func (b *Broker) cutOffSlow(c *client) {
	c.cutOff()
	b.stats.slowClients.Add(1)
}
