package load

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// defaultRetry is the reconnection time where the stream names none: that of Chromium.
const defaultRetry = 3 * time.Second

// An absence is what a client notes of the time from the end of its connection to its next event; times are in
// nanoseconds since the load began.
type absence struct {
	absent   bool
	due      int64 // when it is to connect again
	answered int64 // when the header of its newest answer came
}

// A Return is that of a client whose connection the server had ended: when the header of its next answer came, and
// when its next event.
type Return struct{ Answered, Received time.Time }

// ComeBack has clients whose connection the server ends connect again, as browsers do: each with its last event ID,
// once the reconnection time that its stream named has passed, and after as long again where that fails. They do so
// in Until.
func (l *Load) ComeBack() { l.returning = true }

// Returns returns those of all clients, in the order of their next events.
func (l *Load) Returns() []Return { return l.returns }

// leave notes that a client is to connect again.
func (l *Load) leave(c *client) {
	wait := cmp.Or(time.Duration(c.retry)*time.Millisecond, defaultRetry)
	c.absent, c.due = true, int64(time.Since(l.began)+wait)
	i, _ := slices.BinarySearchFunc(l.away, c.due, func(c *client, due int64) int { return cmp.Compare(c.due, due) })
	l.away = slices.Insert(l.away, i, c)
}

// untilDue returns the time until the next client is to connect again.
func (l *Load) untilDue() time.Duration {
	if len(l.away) == 0 {
		return time.Hour
	}
	return max(0, time.Duration(l.away[0].due)-time.Since(l.began))
}

// comeBack connects the clients that are due, dialsBetweenPolls of them at most.
func (l *Load) comeBack(ctx context.Context) {
	for n := 0; n < dialsBetweenPolls && l.untilDue() == 0; n++ {
		c := l.away[0]
		l.away = l.away[1:]
		if l.start(c, l.dial(ctx, c)) != nil {
			l.leave(c)
		}
	}
}

// returned notes that a client has received an event.
func (l *Load) returned(c *client) {
	if c.absent {
		c.absent = false
		l.returns = append(l.returns, Return{l.at(c.answered), l.at(l.now)})
	}
}
