package sse

// A next takes a state that follows on another one, and what was wrong with the step.
type next func(w world, wrong string)

// maxParts is how many parts there are at most, with those of Stream.First.
const maxParts = 5

// choices calls next for all that can happen to a client of which nobody is at work.
func (w world) choices(m mutation, next next) {
	if w.owner == waiting && w.at == listening { // The connection ends: listen receives from closingClients.
		c := w
		c.registered, c.finished, c.owner = false, true, leaving
		next(c, "")
	}
	if w.at != listening || !w.registered {
		return
	}
	if w.published < maxParts { // addAndFanOut, whose fan-out is put off, or is not
		c := w
		c.published++
		next(c, "")
		if !c.finished {
			c.at = takingBack
			next(c, "")
		}
	}
	if !w.finished {
		c := w // endStream
		c.at, c.ending, c.due = takingBack, true, w.published
		if m == closeBeforeTheRest {
			c.at = closingOff
		}
		next(c, "")
		if !w.repeated { // fanOut without news, as Hold has it
			c = w
			c.at, c.repeated = takingBack, true
			next(c, "")
		}
	}
	if !w.cut { // cutOff
		c := w
		c.cut, c.finished = true, true
		next(c, "")
	}
}

// steps calls next for each step that somebody who is at work can make.
func (w world) steps(m mutation, next next) {
	w.listenStep(m, next)
	switch c := w; w.owner {
	case joining: // join, register, and the writer of a new outbox
		if m != firstWriterIsNotCounted {
			c.users++
		}
		if m == outboxBeginsIdle {
			c.state = idle
		}
		c.registered, c.owner, c.at = true, waiting, takingBack
		if m == firstWriterIsMissing {
			next(c, "")
			return
		}
		for _, at := range []writerAt{opening, swappingIn} {
			c := c
			wrong := c.spawn(at, false)
			c.writers[0].first = at == swappingIn
			next(c, wrong)
		}
	case leaving: // c.users.Wait()
		if w.users == 0 || m == nobodyWaits {
			c.owner = returned
			next(c, "")
		}
	}
	if c := w; c.left > 0 { // c.users.Done()
		c.left--
		switch m {
		case doneNever:
		case doneTwice:
			c.users -= 2
		default:
			c.users--
		}
		next(c, "")
	}
	for i := range w.writers {
		w.writerSteps(i, m, next)
	}
}

func (w world) listenStep(m mutation, next next) {
	switch w.at {
	case takingBack: // batch := c.outbox.takeBack()
		if w.full && m != noTakeBack {
			w.full = false
			if m == takeBackForgets {
				w.start = w.end
			}
		} else if m != takenIsNotNoted {
			w.start = w.end // c.taken(now)
		}
		w.end = w.published // c.extend
		switch {
		case w.start == w.end:
			w.afterPut()
		case m == putSwapsFirst:
			w.at = swapping
		default:
			w.at = sending
		}
		next(w, "")
	case sending: // o.batch <- batch
		switch {
		case w.closed:
			next(w, "put after close")
			return
		case w.full:
			next(w, "put blocks")
			return
		}
		w.full, w.batchFrom, w.batchTo, w.at = true, w.start, w.end, swapping
		if m == putSwapsFirst {
			w.afterPut()
		}
		next(w, "")
	case swapping: // return o.state.Swap(dirty) == idle
		found := w.state == idle || m == putFindsAWriterAlways
		if m != putWithoutSwap {
			w.state = dirty
		}
		w.afterPut()
		if m == putSwapsFirst {
			w.at = sending
		}
		w.found(found, next)
	case closingOff: // close(o.batch)
		w.closed, w.finished, w.at = true, m != putAfterClose, closingSwap
		next(w, "")
	case closingSwap: // return o.state.Swap(closing) == idle
		found := w.state == idle && m != closeFindsNoWriter
		w.state, w.at, w.ending = closing, listening, false
		w.found(found, next)
	}
}

// afterPut is where listen goes on after enqueue.
func (w *world) afterPut() {
	w.at = listening
	if w.ending {
		w.at = closingOff
	}
}

// found finds a writer where one is needed: one that belongs to a round, or one that does not.
func (w world) found(needed bool, next next) {
	if !needed {
		next(w, "")
		return
	}
	for _, tries := range []bool{true, false} {
		c := w
		wrong := c.add(tries)
		next(c, wrong)
	}
}
