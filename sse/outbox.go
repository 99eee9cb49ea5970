package sse

import "sync/atomic"

// An outbox hands batches from listen to a client's one writer. What is pending in it can be taken
// back and replaced by more until the writer picks it up.
//
// Its state says whether the client has a writer:
//
//	state    meaning                             who changes it, and to what
//	idle     nothing is pending, no writer       listen: put → dirty, close → closing; then listen finds a writer
//	dirty    a writer has to look again          the writer: next → writing; listen: close → closing
//	writing  the writer has seen all there was   the writer: release → idle; listen: put → dirty, close → closing
//	closing  what is pending is the last         nobody: the writer looks until next says closed, and ends the stream
//
// A new client's outbox is dirty: its request brings its first writer ([client.writeFirst]). A writer that is
// blocked in a write leaves the state as it is. That keeps a second writer away, and what stays pending meanwhile
// is how the broker notices that the client has stalled. A writer whose write has failed leaves the state, too: the
// client gets no other writer.
type outbox struct {
	batch chan batch // capacity 1: what is pending; listen fills and closes it
	state atomic.Int32
}

// The states of an outbox.
const (
	idle = iota
	dirty
	writing
	closing
)

// init makes the outbox one of a client whose first writer is about to start.
func (o *outbox) init() {
	o.batch = make(chan batch, 1)
	o.state.Store(dirty)
}

// takeBack takes back what is pending, and reports whether that is anything. It is called by listen alone.
func (o *outbox) takeBack() (pending batch, ok bool) {
	select {
	case pending, ok = <-o.batch:
		return pending, ok
	default:
		return batch{}, false
	}
}

// put makes a batch pending, where nothing is, and reports whether a writer has to be found
// for it: a client's writer that is there already will look again. It is called by listen alone.
func (o *outbox) put(b batch) (needsWriter bool) {
	o.batch <- b
	return o.state.Swap(dirty) == idle
}

// close says that what is pending is the last, and reports whether a writer has to be found
// to write that and end the stream. It is called once at most, by listen alone, which puts nothing after it.
func (o *outbox) close() (needsWriter bool) {
	close(o.batch)
	return o.state.Swap(closing) == idle
}

// next picks up what is pending, if anything is. It reports whether the outbox is closed and empty.
// It is called by the client's writer alone.
func (o *outbox) next() (pending batch, closed bool) {
	o.state.CompareAndSwap(dirty, writing)
	select {
	case b, ok := <-o.batch:
		return b, !ok
	default:
		return batch{}, false
	}
}

// release makes the outbox idle, so that the client has no writer, and reports whether it did. It does not where
// listen has put a batch or closed the outbox since next: then the writer has to look again. It is called by the
// client's writer alone, which is no longer that once release has returned true.
func (o *outbox) release() bool { return o.state.CompareAndSwap(writing, idle) }
