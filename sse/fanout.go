package sse

import "time"

// stallTimeout is how long a range may be pending before its client counts as stalled and is
// cut off: two heartbeat intervals. It is looked at when there is something to send, so there
// is no write deadline and no timer an event, which every client that keeps up would pay for.
const stallTimeout = 2 * heartbeatInterval

// maxAhead is how long a client waits for its next event where the source is shared: servers
// lag behind each other by moments even when all is well, and a client that comes from one that
// was ahead shall not get all that is retained. After that its ID counts as none of the source's.
const maxAhead = 10 * time.Second

// heartbeat is a comment, which clients ignore. No blank line follows it: a block without
// data makes several clients dispatch an empty event.
var heartbeat = []byte(":\n")

// place decides where in the history a client begins: after its last event ID, or at the
// end. A client waits without a position while clients are held and, where the source is
// shared, until the event with its ID has come or maxAhead is over.
func (b *Broker) place(c *client, now time.Time) {
	position, complete := b.history.end(), true
	switch ahead := c.resumes && c.lastEventID > b.history.lastID; {
	case c.cursor.placed || b.held && (ahead || !c.resumes):
		return
	case ahead && b.numbered.Load() && !b.waitedEnough(c, now):
		return
	case c.resumes:
		position, complete = b.history.after(c.lastEventID)
		b.stats.resumes.Add(1)
	}
	if !complete {
		b.stats.resumesIncomplete.Add(1)
	}
	c.cursor.place(position)
	b.unplaced--
}

// waitedEnough tells whether a client that is ahead has waited for maxAhead. Otherwise
// overdue will fire when it has.
func (b *Broker) waitedEnough(c *client, now time.Time) bool {
	if c.waitUntil.IsZero() {
		c.waitUntil = now.Add(maxAhead)
	}
	left := c.waitUntil.Sub(now)
	if left <= 0 {
		return true
	}
	if b.overdueAt.IsZero() || c.waitUntil.Before(b.overdueAt) {
		b.overdueAt = c.waitUntil
		b.overdue.Reset(left)
	}
	return false
}

// maybeFanOut fans out what is new, unless the last round of writes is still under way: then
// what comes meanwhile goes out together after it. So the busier the server, the fewer its
// rounds. Writers never wait for a client, so a round is short; but where payloads are so
// large that the history would evict what clients have not been sent, it fans out at once.
func (b *Broker) maybeFanOut() {
	unsent := b.history.end() - b.fannedOut
	if unsent > maxHistory/2 || unsent > 0 && !b.writers.busy() {
		b.fanOut(nil)
	}
}

// fanOut makes pending, for every client, what it has not been sent yet or, where that is
// nothing, the keepalive.
func (b *Broker) fanOut(keepalive []byte) {
	b.fannedOut = b.history.end()
	now := time.Now()
	for _, c := range b.clients {
		b.place(c, now)
		b.enqueue(c, now, keepalive)
	}
	b.writers.start()
}

// enqueue makes pending what a client has not been sent yet or, where that is nothing, the
// keepalive. Only listen puts something into an outbox, so this never blocks.
func (b *Broker) enqueue(c *client, now time.Time, keepalive []byte) {
	if c.finished {
		return
	}
	if !c.outbox.takeBack() {
		c.cursor.taken(now)
	}
	c.cursor.advance(b.history.end())
	// Once its next event is evicted, a client can only reconnect and get what is retained.
	if c.cursor.stalled(now) || c.cursor.evicted(&b.history) {
		c.cutOff()
		b.stats.slowClients.Add(1)
		return
	}
	batch := keepalive
	if !c.cursor.empty() {
		batch = b.history.between(c.cursor.start, c.cursor.end)
	}
	if batch != nil && c.outbox.put(batch) {
		b.writers.add(c)
	}
}
