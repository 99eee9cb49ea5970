package cluster

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// tickIDPrefix begins the message ID of a tick; its boundary follows.
const tickIDPrefix = "tick-"

// errDuplicateInProcess is NATS's answer while a publication with the same message ID, such as
// another server's of the same tick, is on its way to the replicas.
const errDuplicateInProcess jetstream.ErrorCode = 10158

// A ticker publishes the ticks. All servers tick on the same boundaries and publish with the
// boundary as message ID, by which JetStream deduplicates them: there is no leader, and any
// server may die. A ticker belongs to one goroutine.
type ticker struct {
	member   *Member
	nc       *nats.Conn
	js       jetstream.JetStream
	interval time.Duration
	payload  func(time.Time) []byte

	boundary int64 // of the current or the last tick, in ns since 1970
	failed   bool  // the last publication failed
	trouble  warnOnce
}

func (t *ticker) run(ctx context.Context) {
	t.boundary = lastBoundary(time.Now(), t.interval)
	for {
		now := time.Now()
		t.boundary = nextBoundary(now, t.boundary, t.interval)
		select {
		case <-time.After(time.Unix(0, t.boundary).Sub(now)):
		case <-ctx.Done():
			return
		}
		t.tick(ctx)
	}
}

// tick publishes the boundary's tick, unless another server has, with one try that ends by the
// next boundary. Before the history is filled it publishes nothing, since the last tick is not
// known.
func (t *ticker) tick(ctx context.Context) {
	ctx, cancel := context.WithDeadline(ctx, time.Unix(0, t.boundary).Add(t.interval))
	defer cancel()
	// IsConnected blocks for as long as a frozen NATS does not answer to a new connection.
	if !t.member.ready.Load() || !t.nc.IsConnected() || !isNew(t.boundary, t.member.lastTick.Load(), t.interval) {
		return
	}
	// The socket of a frozen NATS takes what is sent, and NATS would publish the ticks of all
	// intervals at once when it goes on.
	if t.failed && t.nc.FlushWithContext(ctx) != nil {
		return
	}
	id := tickIDPrefix + strconv.FormatInt(t.boundary, 10)
	_, err := t.js.Publish(ctx, subject, t.payload(time.Unix(0, t.boundary)),
		jetstream.WithMsgID(id), jetstream.WithRetryAttempts(0))
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

// lastBoundary returns the last multiple of the interval since 1970. time.Truncate would count
// from year 1, and differ for intervals that don't divide the time between.
func lastBoundary(now time.Time, interval time.Duration) int64 {
	ns := now.UnixNano()
	return ns - ns%int64(interval)
}

// nextBoundary returns the boundary of the tick after the last. A publication that took its whole
// interval ends after the next boundary, whose tick is still published then.
func nextBoundary(now time.Time, last int64, interval time.Duration) int64 {
	current, step := lastBoundary(now, interval), int64(interval)
	switch {
	case last < current:
		return current
	case last > current+step: // The clock was set back.
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
