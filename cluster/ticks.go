package cluster

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// tickIDPrefix begins the message ID of a tick; its boundary follows: the multiple of the interval at which the tick is
// due, in ns since 1970.
const tickIDPrefix = "tick-"

// errDuplicateInProcess is NATS's answer while another publication with the same message ID is on its way to the
// replicas: that of the same tick by another server, or that of an earlier try of Publish.
const errDuplicateInProcess jetstream.ErrorCode = 10158

// clockCheck is how often a ticker looks at the clock while it waits: the clock may be set, and
// timers stand still while the machine sleeps.
const clockCheck = time.Second

// Tick publishes an event at each multiple of the interval since 1970, until ctx ends or the broker
// stops. payload returns its data for the time, by this machine's clock, at which it is published. All members
// that tick with the same interval publish with the same message IDs, by which JetStream deduplicates the
// ticks: the event is that of the first to publish. So no server is the leader, and any may die. The interval must be
// positive.
//
// A tick is published with one try. It is left out while NATS is away and before the member is ready. After the clock
// was set back, ticks are left out whose message IDs NATS still remembers from before: for 2 minutes, if not configured.
func (m *Member) Tick(ctx context.Context, interval time.Duration, payload func(time.Time) []byte) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-m.broker.Done():
			cancel()
		case <-ctx.Done():
		}
	}()
	t := &ticker{member: m, interval: interval, payload: payload}
	onBoundaries(ctx, interval, time.Now, t.tick)
}

// onBoundaries calls tick with each multiple of the interval when a clock shows it, until ctx ends.
func onBoundaries(ctx context.Context, interval time.Duration, clock func() time.Time, tick func(ctx context.Context, boundary int64)) {
	boundary := lastBoundary(clock(), interval)
	for ctx.Err() == nil {
		now := clock()
		next := nextBoundary(now, boundary, interval)
		if wait := time.Unix(0, next).Sub(now); wait > 0 {
			boundary = next - int64(interval) // This changes boundary only where the clock was set back.
			select {
			case <-time.After(min(wait, clockCheck)):
			case <-ctx.Done():
			}
			continue
		}
		boundary = next
		tick(ctx, boundary)
	}
}

// A ticker publishes ticks. It belongs to one goroutine.
type ticker struct {
	member   *Member
	interval time.Duration
	payload  func(time.Time) []byte

	failed  bool // the last publication failed
	trouble warnOnce
}

// tick publishes the boundary's tick, unless another server has, with one try that ends by the
// next boundary. Before the history is filled tick publishes nothing, since it does not know the last tick yet.
func (t *ticker) tick(ctx context.Context, boundary int64) {
	ctx, cancel := context.WithTimeout(ctx, time.Until(time.Unix(0, boundary).Add(t.interval)))
	defer cancel()
	js, _ := t.member.js.Load().(jetstream.JetStream)
	// The deadline is set before IsConnected, which blocks for as long as a frozen NATS does not answer to a new
	// connection: a tick that had to wait there is not published late.
	if js == nil || !t.member.ready.Load() || !js.Conn().IsConnected() || !isNew(boundary, t.member.lastTick.Load(), t.interval) {
		return
	}
	// After a failure, flush first: the socket of a frozen NATS takes all that is sent to it, and NATS would
	// publish the ticks of all intervals at once when it goes on.
	if t.failed && js.Conn().FlushWithContext(ctx) != nil {
		return
	}
	id := tickIDPrefix + strconv.FormatInt(boundary, 10)
	_, err := js.Publish(ctx, subject, t.payload(time.Now()), jetstream.WithMsgID(id), jetstream.WithRetryAttempts(0))
	var answer *jetstream.APIError
	if errors.As(err, &answer) && answer.ErrorCode == errDuplicateInProcess {
		err = nil
	}
	t.failed = err != nil
	if err == nil {
		t.trouble.reset()
	} else if ctx.Err() != context.Canceled {
		t.trouble.warn("NATS: a tick could not be published: %v", err)
	}
}

// isNew reports whether a boundary is newer than the last tick read. A tick that is more than an
// interval ahead comes from another publisher or from a clock that is wrong, and must not keep
// this server from publishing.
func isNew(boundary, last int64, interval time.Duration) bool {
	return boundary > last || last > boundary+int64(interval)
}

// lastBoundary returns the last multiple of the interval since 1970. time.Truncate counts from the
// year 1 instead, and differs for intervals that don't divide the time from then to 1970.
func lastBoundary(now time.Time, interval time.Duration) int64 {
	ns := now.UnixNano()
	return ns - ns%int64(interval)
}

// nextBoundary returns the boundary of the tick after that of last. What it is depends on where last lies, seen from
// current, the newest boundary that the clock has reached, in steps of the interval:
//
//	last                      next            why
//	before current            current         the tick of current is due; those between the two, if last's publication
//	                                          took too long or the machine slept, are left out
//	current or current+step   last+step       the wait for the next tick, or a clock that was set back by less than a step
//	after current+step        current+step    the clock was set back further
func nextBoundary(now time.Time, last int64, interval time.Duration) int64 {
	current, step := lastBoundary(now, interval), int64(interval)
	switch {
	case last < current:
		return current
	case last > current+step:
		return current + step
	}
	return last + step
}

// boundaryOf returns the boundary of a tick by its message ID, or 0 for any other message.
func boundaryOf(messageID string) int64 {
	digits, ok := strings.CutPrefix(messageID, tickIDPrefix)
	if !ok {
		return 0
	}
	boundary, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0
	}
	return boundary
}
