package sse

// writerSteps calls next for each step that a writer can make.
func (w world) writerSteps(i int, m mutation, next next) {
	writer := &w.writers[i]
	switch writer.at {
	case opening, writingOut, finishing:
		w.writeSteps(i, m, next)
	case swappingIn: // o.state.CompareAndSwap(dirty, writing)
		if m == nextReceivesFirst {
			w.receive(i)
		} else {
			w.swapIn(m)
		}
		writer.at = receiving
		next(w, "")
	case receiving: // case batch, ok := <-o.batch
		if m == nextReceivesFirst {
			w.swapIn(m)
		} else {
			w.receive(i)
		}
		wrong := ""
		switch {
		case writer.first: // writeFirst looks again for what closed means
			writer.closed, writer.at = false, opening
		case writer.closed: // c.out.End()
			w.leave(i)
			wrong = w.endStream()
		case w.restFrom < w.restTo:
			writer.at = writingOut
		default:
			writer.at = releasing
		}
		next(w, wrong)
	case handingOn: // c.users.Add(1); go c.writeAlone(bytes.Clone(rest))
		if m == doneBeforeHandOn {
			w.users--
			writer.at = counting
			next(w, "")
			return
		}
		w.users++
		if m == writerStaysAfterHandOn {
			writer.at = swappingIn
		} else {
			w.leave(i)
		}
		at := finishing
		if m == chunkIsForgotten {
			at = writingOut
			if w.restFrom == w.restTo {
				at = swappingIn
			}
		}
		wrong := w.spawn(at, false)
		next(w, wrong)
	case counting:
		w.users++
		*writer = modelWriter{at: finishing}
		next(w, "")
	case releasing: // return o.state.CompareAndSwap(writing, idle)
		switch {
		case w.state == writing || m == releaseWithoutCompare:
			w.state = idle
			w.leave(i)
		case m == writerDoesNotLookAgain:
			w.leave(i)
		default:
			writer.at = swappingIn
		}
		next(w, "")
	}
}

// leave has a writer give the client up. It still has to count itself out.
func (w *world) leave(i int) {
	w.writers[i] = modelWriter{}
	w.left++
}

// swapIn is next's change of the state.
func (w *world) swapIn(m mutation) {
	if w.state == dirty && m != nextWithoutSwap || m == nextStoresWriting {
		w.state = writing
	}
}

// receive is next's look into the channel.
func (w *world) receive(i int) {
	if w.full {
		w.full = false
		w.restFrom, w.restTo = w.batchFrom, w.batchTo
	} else if w.closed {
		w.writers[i].closed = true
	}
}

// writeSteps are what can become of a write. One that blocks is one that makes no step.
func (w world) writeSteps(i int, m mutation, next next) {
	fails := w // c.out.CutOff()
	fails.failed = true
	if m == failedWriterReleases {
		fails.writers[i].at = releasing
	} else {
		fails.leave(i)
	}
	if w.failed {
		next(fails, "written after a write that has failed")
	} else {
		next(fails, "")
	}
	writer := &w.writers[i]
	wrong := ""
	switch writer.at {
	case opening:
		if m != headIsNotFirst {
			wrong = w.write(1)
		}
		w.opened = true
		if !writer.first {
			w.restFrom, w.restTo = 1, 2
			break
		}
		for wrong == "" && w.written < 2 {
			wrong = w.write(w.written + 1)
		}
		if wrong == "" && w.restFrom < w.restTo { // c.writing.part(maxWithHead)
			w.restFrom++
			wrong = w.write(w.restFrom)
		}
		writer.first = false
	case finishing: // what is before the rest
		wrong = w.write(w.restFrom)
	case writingOut:
		w.restFrom++ // c.writing.part()
		if writer.tries {
			left := w // No room for all of it.
			left.writers[i].at = handingOn
			next(left, "")
			alone := w // look has taken the client from its writer, whose turn takes long.
			alone.restFrom--
			alone.writers[i].tries = false
			next(alone, "")
		}
		wrong = w.write(w.restFrom)
	}
	switch {
	case w.restFrom < w.restTo:
		writer.at = writingOut
	case writer.at == writingOut:
		writer.at = releasing
	default:
		writer.at = swappingIn
	}
	next(w, wrong)
}
