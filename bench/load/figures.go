package load

import (
	"slices"
	"time"
)

// Counts are what all clients together have seen since the load began.
type Counts struct {
	Delivered int64 // events received
	Missed    int64 // events that came to other clients and not to one that was connected
	Doubled   int64 // events received again, or after a later one
	Dropped   int64 // connections that the server ended
}

// Counts returns the counts until now.
func (l *Load) Counts() Counts {
	return Counts{l.delivered, l.log.missed, l.log.doubled, l.dropped}
}

// Sub returns what c has counted since earlier.
func (c Counts) Sub(earlier Counts) Counts {
	return Counts{
		c.Delivered - earlier.Delivered, c.Missed - earlier.Missed,
		c.Doubled - earlier.Doubled, c.Dropped - earlier.Dropped,
	}
}

// Open returns how many clients are connected.
func (l *Load) Open() int { return l.open }

// Served returns how many of the connected clients have received events.
func (l *Load) Served() (clients int) {
	for _, c := range l.clients {
		if c.fd >= 0 && c.joined {
			clients++
		}
	}
	return clients
}

// Events returns how many events have come: the next one has this index.
func (l *Load) Events() int { return len(l.log.events) }

// Received returns how often clients have received the events from one index to another.
func (l *Load) Received(from, to int) (times int) {
	for _, e := range l.log.events[from:to] {
		times += e.clients
	}
	return times
}

// A Receipt says by how many clients an event was received, and when by the first and by the last.
type Receipt struct {
	Key         int64 // its ID, where that is a number
	Clients     int
	First, Last time.Time
}

// Receipts returns those of all events, in the order of their keys.
func (l *Load) Receipts() (receipts []Receipt) {
	for _, e := range l.log.events {
		receipts = append(receipts, Receipt{e.key, e.clients, l.at(e.first), l.at(e.last)})
	}
	return receipts
}

// at returns a time that is given in nanoseconds since the load began.
func (l *Load) at(ns int64) time.Time { return l.began.Add(time.Duration(ns)) }

// ByAll reports whether the event with the given index, and with it every later one's
// predecessor, has come to all clients.
func (l *Load) ByAll(i int) bool {
	return i < len(l.log.events) && l.log.events[i].clients >= l.open
}

// Behind returns how many events up to and without the given index the connected clients
// still have to receive.
func (l *Load) Behind(end int) (events int64) {
	for _, c := range l.clients {
		if c.fd >= 0 && c.joined {
			events += int64(max(0, end-1-c.at))
		}
	}
	return events
}

// Quiet returns how long ago the last event came.
func (l *Load) Quiet() time.Duration { return time.Since(l.began) - time.Duration(l.now) }

// Interval returns the mean time between events, from one index to another.
func (l *Load) Interval(from, to int) time.Duration {
	events := l.log.events[from:to]
	return time.Duration(events[len(events)-1].first-events[0].first) / time.Duration(len(events)-1)
}

// Spread returns, for the events from one index to another, the time from the first client's
// receipt to the last's.
func (l *Load) Spread(from, to int) (median, worst time.Duration) {
	var spreads []int64
	for _, e := range l.log.events[from:to] {
		spreads = append(spreads, e.last-e.first)
	}
	if len(spreads) == 0 {
		return 0, 0
	}
	slices.Sort(spreads)
	median = time.Duration(spreads[(len(spreads)-1)/2]+spreads[len(spreads)/2]) / 2
	return median, time.Duration(spreads[len(spreads)-1])
}

// LongestWait returns the longest time between two events of a steady client.
func (l *Load) LongestWait() time.Duration { return time.Duration(l.longestWait) }
