package sse

import (
	"cmp"
	"slices"
)

// A history is the recent events as one run of bytes, so that what a client has not been
// sent yet, be it one event or a thousand, is a slice of it: no copy, one write. Bytes once
// written never change; writers go on reading a slice of them while the history grows, and
// after it has evicted them. A position is a number of bytes since the broker began. It is owned by
// the broker's loop.
//
// The history is bounded in bytes; only the last event is always retained, however large it is.
//
// Where the source has restarted its numbering, what came before is retained for the clients
// that are on their way through it, but can't be resumed from: its IDs mean other events now.
type history struct {
	max       int     // the bound
	buf       []byte  // the encoded events end to end, after some that are evicted
	base      int64   // the position of buf[0]
	index     []entry // the events retained, oldest first
	restart   int     // where in index the source restarted its numbering
	lastID    int64   // of the newest event ever added; 0 before the first
	evictedID int64   // of the newest event that can't be resumed with any more; 0 before the first
}

// An entry says where an event's bytes begin.
type entry struct {
	id, position int64
}

// start returns the position of the oldest event retained: a client that has not been sent
// that one yet must be cut off.
func (h *history) start() int64 { return h.positionOf(0) }

// firstResumable returns the position of the oldest event that a resuming client can get.
func (h *history) firstResumable() int64 { return h.positionOf(h.restart) }

// positionOf returns the position of an entry of the index, or the end where there is none.
func (h *history) positionOf(i int) int64 {
	if i == len(h.index) {
		return h.end()
	}
	return h.index[i].position
}

// end returns the position after the newest event.
func (h *history) end() int64 {
	return h.base + int64(len(h.buf))
}

// between returns the bytes from one position to another, both at or after start.
func (h *history) between(from, to int64) []byte {
	return h.buf[from-h.base : to-h.base : to-h.base]
}

// add appends an event that has its ID. An ID that does not rise means that its source
// restarts its numbering.
func (h *history) add(e Event) {
	if e.ID <= h.lastID {
		h.evictedID = h.lastID
		h.restart = len(h.index)
	}
	h.lastID = e.ID
	h.index = append(h.index, entry{e.ID, h.end()})
	h.buf = e.appendTo(h.buf)
	for len(h.index) > 1 && h.end()-h.start() > int64(h.max) {
		if h.restart > 0 {
			h.restart--
		} else {
			h.evictedID = h.index[0].id
		}
		h.index = h.index[1:]
	}
	if evicted := h.start() - h.base; evicted > int64(h.max) {
		retained := h.buf[evicted:]
		// Space for as much again, so that the next copy is a whole history away.
		h.buf = append(make([]byte, 0, len(retained)+h.max), retained...)
		h.base += evicted
	}
}

// after returns the position of the first event after the given ID, and whether
// nothing between the two is missing. An ID that can't be placed, because it is older
// than all that is retained or was never given out, gets all that can be resumed with:
// twice is better than never.
func (h *history) after(id int64) (position int64, complete bool) {
	resumable := h.index[h.restart:]
	if id == h.lastID {
		return h.end(), true
	}
	if id > h.lastID || len(resumable) == 0 || id < resumable[0].id {
		return h.firstResumable(), id == h.evictedID
	}
	i, _ := slices.BinarySearchFunc(resumable, id+1, func(e entry, id int64) int {
		return cmp.Compare(e.id, id)
	})
	return resumable[i].position, true
}
