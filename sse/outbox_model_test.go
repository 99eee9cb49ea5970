package sse

import (
	"cmp"
	"slices"
)

// A world is a state of a model of one client: of listen, the outbox, the writers, and whoever waits for the
// connection's end. Each step of the model is one that no other goroutine can divide, and names the line of
// the code that it stands for. TestOutboxModel explores every order of the steps. The parts of the stream are
// numbered; the first two are what the app has for this client: [Stream.First], larger than maxPart or not.
type world struct {
	// The outbox:
	state              int8
	full, closed       bool // of its channel
	batchFrom, batchTo int8 // what the channel holds: the parts after the first number, up to the second
	// Owned by listen:
	at                        listenAt
	registered, finished, cut bool
	start, end                int8 // the cursor
	published                 int8
	repeated                  bool // a fan-out without news was made
	ending                    bool // enqueue is called by endStream
	due                       int8 // what was published before that
	// The client's:
	restFrom, restTo int8
	users            int8
	writers          [3]modelWriter // one more than may be
	left             int8           // the writers that have given the client up, and not counted themselves out
	// The connection, and whoever waits for its end:
	written       int8 // the number of the last part that it has taken
	opened        bool
	failed, ended bool // a write has failed; end was called
	owner         ownerAt
}

// Where listen is.
type listenAt int8

const (
	listening   listenAt = iota // select
	takingBack                  // takeBack
	sending                     // put: o.batch <- batch
	swapping                    // put: o.state.Swap(dirty)
	closingOff                  // close: close(o.batch)
	closingSwap                 // close: o.state.Swap(closing)
)

// Where the goroutine is that waits for the connection's end.
type ownerAt int8

const (
	joining  ownerAt = iota
	waiting          // for the end
	leaving          // c.users.Wait()
	returned         // The connection, or the handler's writer, is not the client's any more.
)

// Where a writer is.
type writerAt int8

const (
	none       writerAt = iota
	opening             // c.out.Open(part)
	swappingIn          // next: o.state.CompareAndSwap(dirty, writing)
	receiving           // next: <-o.batch
	writingOut          // w.write(c, part)
	handingOn           // c.users.Add(1), go c.writeAlone(rest)
	counting            // what a mutation makes of that
	finishing           // writeAlone: c.socket.WriteRest(rest)
	releasing           // release
)

// A modelWriter is a goroutine that has the client.
type modelWriter struct {
	at     writerAt
	first  bool // it is writeFirst, and picks up what is pending before it opens: the app's own parts are small
	tries  bool // it belongs to a round
	closed bool // next has said so
}

// A mutation is a mistake that the code does not make, and that the model finds.
type mutation string

const (
	noMutation              mutation = "no mistake"
	releaseWithoutCompare   mutation = "release stores idle whatever the state is"
	nextWithoutSwap         mutation = "next leaves the state dirty"
	nextReceivesFirst       mutation = "next receives before it changes the state"
	nextStoresWriting       mutation = "next stores writing whatever the state is"
	putWithoutSwap          mutation = "put leaves the state as it is"
	putSwapsFirst           mutation = "put changes the state before it sends"
	putFindsAWriterAlways   mutation = "put wants a writer whatever the state is"
	closeFindsNoWriter      mutation = "close wants no writer"
	closeBeforeTheRest      mutation = "endStream closes without what is new"
	putAfterClose           mutation = "listen does not note that the client gets no more"
	takeBackForgets         mutation = "what was taken back is forgotten"
	takenIsNotNoted         mutation = "the cursor stays where a range was picked up"
	noTakeBack              mutation = "put without takeBack"
	writerDoesNotLookAgain  mutation = "a writer that could not release ends"
	firstWriterIsMissing    mutation = "the first writer is not started"
	firstWriterIsNotCounted mutation = "join does not count the first writer"
	outboxBeginsIdle        mutation = "the outbox begins idle"
	headIsNotFirst          mutation = "the first writer begins without the header"
	failedWriterReleases    mutation = "a writer whose write has failed releases"
	chunkIsForgotten        mutation = "the rest of a chunk is not handed on"
	writerStaysAfterHandOn  mutation = "a writer goes on after it has handed on"
	doneBeforeHandOn        mutation = "a writer counts itself out before the next one in"
	doneTwice               mutation = "users.Done twice"
	doneNever               mutation = "users.Done never"
	nobodyWaits             mutation = "the handler returns without users.Wait"
)

// begin returns the state before a client joins.
func begin() world { return world{state: dirty, start: 2, end: 2, published: 2} }

// spawn starts a writer.
func (w *world) spawn(at writerAt, tries bool) (wrong string) {
	for i := range w.writers {
		if w.writers[i].at == none {
			w.writers[i] = modelWriter{at: at, tries: tries}
			return ""
		}
	}
	return "a third writer"
}

// add is writers.add, with the start of the writer.
func (w *world) add(tries bool) (wrong string) {
	if w.owner == returned {
		return "a writer for a client that has left"
	}
	w.users++
	return w.spawn(swappingIn, tries)
}

// write is a part that the connection takes.
func (w *world) write(part int8) (wrong string) {
	switch {
	case w.owner == returned:
		return "written when the client has left"
	case !w.opened && part > 1:
		return "written before the header"
	case w.failed:
		return "written after a write that has failed"
	case w.ended:
		return "written after the end"
	case part != w.written+1:
		return "not in order, or not once"
	}
	w.written = part
	return ""
}

// endStream is the transport's end.
func (w *world) endStream() (wrong string) {
	switch {
	case w.ended:
		return "ended twice"
	case w.written != w.due:
		return "ended before all was written"
	}
	w.ended = true
	return ""
}

// sorted returns the state with the writers in order: which is which makes no difference.
func (w world) sorted() world {
	slices.SortFunc(w.writers[:], func(a, b modelWriter) int {
		if c := cmp.Compare(a.at, b.at); c != 0 || a == b {
			return c
		}
		if a.tries {
			return 1
		}
		return -1
	})
	return w
}

// quiet tells whether nobody is at work.
func (w *world) quiet() bool {
	return w.at == listening && w.owner != joining && w.left == 0 && w.writers == [3]modelWriter{}
}

// check returns what is wrong with a state, or "".
func (w *world) check() string {
	active := 0
	for _, writer := range w.writers {
		if writer.at != none && writer.at != counting {
			active++
		}
	}
	switch {
	case active > 1:
		return "two writers"
	case w.users < 0:
		return "users below zero"
	case !w.quiet():
		return ""
	case w.users != 0:
		return "users counts a writer that there is not"
	case w.failed || w.cut || !w.registered:
		return ""
	case w.full:
		return "pending, and no writer comes"
	case w.written != w.end:
		return "lost"
	case w.closed && !w.ended:
		return "the stream does not end"
	}
	return ""
}
