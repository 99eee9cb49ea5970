package sse

import (
	"bytes"
	"time"
)

// stepsPerInterval is how many parts the time between two heartbeats has. So a stream is silent for at most a
// sixtieth longer than the interval.
const stepsPerInterval = 60

// heartbeats knows when each client is to be looked at for its next heartbeat: the clients are in the slots of
// a wheel that goes on by one slot each sixtieth of the interval. So no client has a timer, a
// step touches a sixtieth of all clients, and an event touches none. A client that has been sent something
// since it was added is added again, to be looked at an interval after it was sent that.
type heartbeats struct {
	interval time.Duration                   // between two heartbeats
	slots    [stepsPerInterval + 1][]*client // one more than an interval has steps, so that nobody is put into slot now
	now      int                             // the slot of the last step, whose clients are being looked at
}

// A beat is a client's place in the wheel.
type beat struct{ slot, index int32 }

// stepEvery returns the time between two steps.
func (h *heartbeats) stepEvery() time.Duration { return h.interval / stepsPerInterval }

// add has a client looked at after a time, counted in whole steps: at least one, at most an interval's.
func (h *heartbeats) add(c *client, after time.Duration) {
	steps := min(max(1, int((after+h.stepEvery()-1)/h.stepEvery())), stepsPerInterval)
	slot := (h.now + steps) % len(h.slots)
	c.beat = beat{int32(slot), int32(len(h.slots[slot]))}
	h.slots[slot] = append(h.slots[slot], c)
}

// remove removes a client.
func (h *heartbeats) remove(c *client) {
	slot := h.slots[c.beat.slot]
	last := len(slot) - 1
	slot[c.beat.index] = slot[last]
	slot[c.beat.index].beat.index = c.beat.index
	slot[last] = nil
	h.slots[c.beat.slot] = slot[:last]
}

// step moves the wheel on, and returns the clients to be looked at. All of them have to be added again.
func (h *heartbeats) step() []*client {
	h.now = (h.now + 1) % len(h.slots)
	due := h.slots[h.now]
	h.slots[h.now] = nil
	return due
}

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

// isHeartbeat tells whether a batch is a heartbeat that its client wants to see. A history's events begin with their
// IDs, so that none is taken for a heartbeat.
func (b *Broker) isHeartbeat(batch batch) bool { return bytes.Equal(batch.bytes, b.heartbeatEvent) }

// keepAlive makes the heartbeat pending for every client that was sent nothing for the
// interval, and notices those that do not read. A client that wants to see its heartbeats gets one each
// interval whatever else it is sent, since a page sees no event that it does not listen for.
func (b *Broker) keepAlive() {
	now := time.Now()
	for _, c := range b.heartbeats.step() {
		// c.since is about when the client was last sent something, or since when it does not take what is pending.
		next := b.heartbeats.interval - now.Sub(c.since)
		if next <= 0 || c.showHeartbeats {
			becamePending := b.enqueue(c, now, true, &b.writers.lanes[many])
			switch {
			case becamePending:
				next = b.heartbeats.interval
			case c.showHeartbeats:
				next = 0 // Something else was pending, so the heartbeat is due at the next step.
			default:
				next = b.heartbeats.interval / 4 // The client may not read: a stall must be noticed soon.
			}
		}
		b.heartbeats.add(c, next)
	}
	b.writers.start()
}
