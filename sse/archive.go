package sse

import (
	"container/list"
	"context"
	"iter"
	"time"
)

// An Archive has the events of topics for longer than a broker retains them, on disk say. It returns those
// events of the given topics whose IDs are above after, in the order of their IDs, and whether none of them is
// missing, which an archive tells before the first is read. An event that the broker was given before the call has to
// be among them, so a source stores an event before it publishes that event.
//
// The broker asks its archive for a client whose last event ID is older than what the broker retains completely of
// the client's topics:
//
//   - It calls the archive concurrently, at most 64 times at once.
//   - It reads the sequence as fast as the client reads, so an archive holds no lock between two events.
//   - It reads a sequence for some 10 s at most; then it asks the archive again, for what comes after.
//   - When ctx ends the sequence has to end soon: [Broker.Shutdown] waits for it.
//   - An archive that yields nothing for twice [Options.Heartbeat] has its client cut off.
//
// An error ends the sequence. Then the client's stream ends, so that the client reconnects and resumes. The
// broker logs the error, at most once a minute, and no client sees it.
type Archive func(ctx context.Context, topics []string, after int64) (complete bool, events iter.Seq2[Event, error])

// SetArchive has clients that need more than the broker retains get it from an archive first. It is for
// a source that numbers its events, which calls it after [Broker.Hold] and before [Broker.Release]. Without a
// call, or with nil, such clients get all that is retained. It is safe for concurrent use.
func (b *Broker) SetArchive(a Archive) {
	if a == nil {
		b.archive.Store(nil)
		return
	}
	b.archive.Store(&a)
}

const (
	// maxReplays is how many clients read from the archive at once: after a restart of the server all ask for it.
	maxReplays = 64

	// replayTurn is how long a client reads from the archive before it is the next one's turn, so that clients
	// that read slowly do not keep all others waiting.
	replayTurn = 10 * time.Second

	// archiveLogPause is the least time between two log lines about the archive.
	archiveLogPause = time.Minute
)

// replays are the clients that the archive has something for. They are owned by listen, but for the goroutine that
// each turn has. A client is in one of these states, and goes through them until it is placed:
//
//	state    what happens                                  what comes next
//	queued   the client waits for its turn, with           reading, when one of the others' turns ends
//	         heartbeats
//	reading  a goroutine, its writer for this time,        placed, where the histories have all that comes next;
//	         writes what the archive yields                queued, where they have moved on meanwhile, or replayTurn
//	                                                       is over; the end of the stream, where the archive has failed
//
// A client that leaves, is cut off, or has its stream ended meanwhile is no longer queued, and its turn ends.
type replays struct {
	queue   list.List // of clients, in the order in which they came
	reading int       // the turns that have not ended
	max     int       // how many there may be: maxReplays
	logged  time.Time // when the archive's last error was logged
}

// startReplays begins the next clients' turns at the archive.
func (b *Broker) startReplays() {
	for b.replays.reading < b.replays.max && b.replays.queue.Len() > 0 {
		c := b.replays.queue.Remove(b.replays.queue.Front()).(*client)
		from := c.beginning
		from.queued = nil
		archive := b.archive.Load()
		if archive == nil { // The archive was taken away while the client waited: the client gets what is retained.
			b.placeOrWait(c, time.Now())
			continue
		}
		r := newReplay(c, *archive)
		from.replay = r
		b.replays.reading++
		b.streams.Add(1)
		c.users.Add(1)
		go r.run()
		pending, ok := c.outbox.takeBack() // only a heartbeat can be pending: the client has no place yet
		if !ok {
			c.since = time.Now()
		}
		pending.merge = &merge{replay: r}
		if c.outbox.put(pending) {
			b.writers.add(c, &b.writers.lanes[many])
		}
	}
}

// queueReplay has a client wait for its turn at the archive.
func (b *Broker) queueReplay(c *client) {
	c.beginning.queued = b.replays.queue.PushBack(c)
	b.startReplays()
}

// clients returns how many clients have no place in the histories yet because of the archive.
func (r *replays) clients() int { return r.queue.Len() + r.reading }

// leaveReplays says that a client wants nothing from the archive any more.
func (b *Broker) leaveReplays(c *client) {
	from := c.beginning
	if from == nil {
		return
	}
	if from.queued != nil {
		b.replays.queue.Remove(from.queued)
		from.queued = nil
	}
	if from.replay != nil {
		from.replay.cancel()
	}
}

// replayEnded is called when a client's turn has ended.
func (b *Broker) replayEnded(r *replay) {
	b.replays.reading--
	c, from, now := r.client, r.client.beginning, time.Now()
	from.replay, from.until = nil, time.Time{} // The turn may have put the client ahead, so a wait for that begins anew.
	if r.told && !from.told {
		from.told = true
		b.stats.countResume(false)
	}
	from.id, from.lastEventID, from.gapDue = r.id, r.lastEventID, r.gap
	switch {
	case c.index == gone || c.finished:
	case r.err != nil:
		b.logFailure(r.err, now)
		b.endStream(c)
	case r.restarts != b.topics.restarts: // The ID means another event now.
		from.id, from.read = unplaceable, unplaceable
		b.placeOrWait(c, now)
	case r.more:
		b.queueReplay(c)
	default:
		from.read = r.newest
		b.placeOrWait(c, now)
	}
	b.startReplays()
	b.writers.start()
}
