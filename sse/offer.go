package sse

import "time"

const (
	// patience is how long a client may leave an offer untaken before it counts as
	// gone or stuck: two heartbeats.
	patience = 2 * heartbeatAfter

	// writerShare is how many clients one goroutine writes to: enough that starting it
	// costs nothing, few enough that all cores share a fan-out.
	writerShare = 64
)

// heartbeat is a comment, which clients ignore. No blank line follows it: a block
// without data makes several clients deliver an empty event.
var heartbeat = []byte(":\n")

// place decides where in the history a client begins: behind its last event ID, or at
// the end. While clients are held it waits for an end, and for an ID that is not there yet.
func (b *Broker) place(c *client) {
	if c.placed || b.held && !(c.resumes && c.lastEventID <= b.history.lastID) {
		return
	}
	c.placed = true
	c.end = b.history.end()
	if c.resumes {
		var whole bool
		c.end, whole = b.history.after(c.lastEventID)
		b.stats.resumes.Add(1)
		if !whole {
			b.stats.resumesMissed.Add(1)
		}
	}
	c.start = c.end // Whatever heartbeat lies in the slot.
	if c.end < b.history.end() {
		b.offer(c, time.Now(), nil)
	}
}

// fanOutNews offers what is new to all clients, unless the last offers are being written:
// then what comes meanwhile goes out together. So the busier the server, the fewer its
// rounds. Writers never wait for a client, so this is soon; but where payloads are so large
// that the history would pass clients by, it is now.
func (b *Broker) fanOutNews() {
	news := b.history.end() - b.offered
	if news > maxHistory/2 || news > 0 && b.writers.Load() == 0 {
		b.fanOut(nil)
	}
}

// fanOut makes all clients an offer: what is new or, where nothing is, what they get
// otherwise.
func (b *Broker) fanOut(otherwise []byte) {
	b.offered = b.history.end()
	b.fanningOut = true
	now := time.Now()
	for c := range b.clients {
		b.offer(c, now, otherwise)
	}
	b.startWriter()
	b.fanningOut = false
}

// offer puts what the client has not taken yet into its slot or, where there is nothing,
// what it gets otherwise. Only listen fills a slot, so this never blocks.
func (b *Broker) offer(c *client, now time.Time, otherwise []byte) {
	if c.dropped {
		return
	}
	select {
	case <-c.slot: // The last offer is still there: the new one includes it.
	default:
		c.start, c.offered = c.end, now
	}
	if c.placed {
		c.end = b.history.end()
	}
	// Once its next event is given up, a client can only come back and be told all
	// that is held.
	if now.Sub(c.offered) > patience || c.start < c.end && c.start < b.history.start() {
		c.dropped = true
		c.cut()
		b.stats.dropped.Add(1)
		return
	}
	if c.start < c.end {
		otherwise = b.history.between(c.start, c.end)
	}
	if otherwise != nil {
		c.slot <- otherwise
		b.call(c, called)
	}
}

// call has a writer look at the client's slot, which was filled or, as why says, closed.
func (b *Broker) call(c *client, why int32) {
	if c.writer.Swap(why) != idle {
		return // Its writer will look again.
	}
	c.next, b.ready = b.ready, c
	if b.readied++; b.readied == writerShare {
		b.startWriter()
	}
}

// startWriter starts a goroutine that writes to the clients called so far.
func (b *Broker) startWriter() {
	switch {
	case b.ready == nil:
	case b.fanningOut:
		b.writers.Add(1)
		go b.writeRound(b.ready)
	default: // To clients that have just come: no event has to wait for them.
		go write(b.ready)
	}
	b.ready, b.readied = nil, 0
}
