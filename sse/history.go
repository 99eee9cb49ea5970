package sse

import (
	"cmp"
	"slices"
)

// A history is a topic's recent events as one run of bytes, so that what a client has not been
// sent yet, be it one event or a thousand, is a slice of it: no copy, one write. Bytes once
// written never change, so a writer may go on reading a slice while the history grows, and
// after the history has evicted these events. A position is a number of bytes since the history began. The zero
// history is empty. A history is owned by the broker's loop; [topics] say what it evicts.
//
// Where the source has restarted its numbering, the events before the restart are retained for the
// clients that are still being sent them, but can't be resumed from: their IDs mean other events now.
//
// Invariant: an eviction lowers firstResumableEntry while that is above 0, and raises lastLostID otherwise, since only
// events of the current numbering count there.
type history struct {
	buf                 []byte  // the encoded events end to end, after some that are evicted
	base                int64   // the position of buf[0]
	index               []entry // the events retained, oldest first
	firstResumableEntry int     // of index: those before it came before the source last restarted its numbering
	lastLostID          int64   // the newest ID of the current numbering whose event was evicted or left out ([Gap]), or noneLost
}

// noneLost is the lastLostID of a history that has lost nothing. IDs that sources give may be negative.
const noneLost = -1 << 63

// An entry says which event it is and where its bytes begin.
type entry struct {
	id       int64
	position int64
	seq      int64 // the event's number among those of all topics, in the order of their arrival
}

// start returns the position of the oldest event retained: a client whose next event lies before it
// must be cut off.
func (h *history) start() int64 { return h.positionOf(0) }

// firstResumablePosition returns the position of the oldest event that a resuming client can get.
func (h *history) firstResumablePosition() int64 { return h.positionOf(h.firstResumableEntry) }

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

// eventsFrom returns how many events there are from a position to the end.
func (h *history) eventsFrom(position int64) int64 { return int64(len(h.index) - h.entryAt(position)) }

// entryAt returns which entry of the index begins at a position, or how many there are for the end.
func (h *history) entryAt(position int64) int {
	i, _ := slices.BinarySearchFunc(h.index, position, func(e entry, position int64) int {
		return cmp.Compare(e.position, position)
	})
	return i
}

// size returns how many bytes an event of the index takes.
func (h *history) size(i int) int64 { return h.positionOf(i+1) - h.index[i].position }

// between returns the bytes from one position to another, both at or after start.
func (h *history) between(from, to int64) []byte {
	return h.buf[from-h.base : to-h.base : to-h.base]
}

// from returns the events from a position to the end.
func (h *history) from(position int64) run {
	i := h.entryAt(position)
	return run{h.between(position, h.end()), h.index[i:len(h.index):len(h.index)]}
}

// add appends an event that has its ID.
func (h *history) add(e Event, seq int64) {
	h.index = append(h.index, entry{e.ID, h.end(), seq})
	h.buf = e.appendTo(h.buf)
}

// restartNumbering says that the source has restarted its numbering: nothing that is retained can
// be resumed from any more.
func (h *history) restartNumbering() {
	h.firstResumableEntry = len(h.index)
	h.lastLostID = noneLost
}

// evict evicts the oldest event.
func (h *history) evict() {
	if h.firstResumableEntry > 0 { // The event is of an old numbering: nobody who resumes could get it.
		h.firstResumableEntry--
	} else {
		h.lastLostID = h.index[0].id
	}
	h.index = h.index[1:]
	if len(h.index) == 0 {
		h.base, h.buf, h.index = h.end(), nil, nil
		return
	}
	// The retained bytes are moved only when they are fewer than the evicted bytes before them, which the move drops.
	// So all moves together copy fewer bytes than were evicted.
	if evicted, retained := h.start()-h.base, h.end()-h.start(); evicted > retained {
		h.buf = append(make([]byte, 0, 2*retained), h.buf[evicted:]...)
		h.base += evicted
	}
}

// after returns the position of the first event after the given ID, which is one of the current
// numbering, and whether nothing between the two is missing.
func (h *history) after(id int64) (position int64, complete bool) {
	i, _ := slices.BinarySearchFunc(h.index[h.firstResumableEntry:], id, func(e entry, id int64) int {
		if e.id <= id {
			return -1
		}
		return 1
	})
	return h.positionOf(h.firstResumableEntry + i), id >= h.lastLostID
}
