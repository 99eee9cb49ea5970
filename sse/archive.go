package sse

import (
	"context"
	"iter"
)

// An Archive has the events of topics for longer than a broker retains them, on disk say. It returns those
// events of the given topics whose IDs are above after, in the order of their IDs, and whether none of them is
// missing, which it tells before the first is read. An event that the broker was given before the call has to be among
// them, so a source stores an event before it publishes it.
//
// The broker asks its archive for a client whose last event ID is older than what the broker retains completely of the
// client's topics. It calls the archive concurrently, at most 64 times at once. The sequence is read as fast as the
// client reads, so an archive holds nothing between two events that others wait for. It is read for some seconds at a time; then the
// archive is asked again for what comes after. When ctx ends nobody wants the rest, and the sequence has to end soon:
// [Broker.Shutdown] waits for it. An archive that yields nothing for twice [Options.Heartbeat] has its client cut off.
//
// An error ends the sequence. Then the client's stream ends, so that the client reconnects and resumes. The
// broker logs the error, at most once a minute, and no client sees it.
type Archive func(ctx context.Context, topics []string, after int64) (complete bool, events iter.Seq2[Event, error])

// SetArchive has clients that need more than the broker retains get it from an archive first. It is for
// a source that numbers its events, which calls it after [Broker.Hold] and before [Broker.Release]. Without a
// call, or with nil, such clients get all that is retained. It is safe for concurrent use.
func (b *Broker) SetArchive(a Archive) { b.archive.Store(&a) }
