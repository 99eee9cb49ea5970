package sse

import (
	"cmp"
	"slices"
)

// maxHistory bounds the history in bytes: some 40,000 events of the demo. The
// last event is always held, however large it is.
const maxHistory = 4 << 20

// A history is the last events as one run of bytes, so that what a client has not
// seen yet, be it one event or a thousand, is a slice of it: no copy, one write.
// Bytes once written never change; clients go on reading a slice of them while the
// history grows, and after it has moved on. Places in it are positions: bytes since
// the broker began. The zero history is empty. It belongs to the broker's goroutine.
type history struct {
	bytes  []byte  // the frames end to end, behind some that are given up
	offset int64   // the position of bytes[0]
	frames []frame // the frames held, oldest first
	lastID int64   // of the newest event ever added; 0 before the first
	goneID int64   // of the newest event given up; 0 before the first
}

// A frame is where one event's bytes begin.
type frame struct {
	id, start int64
}

// start returns the position of the oldest event held.
func (h *history) start() int64 {
	if len(h.frames) == 0 {
		return h.end()
	}
	return h.frames[0].start
}

// end returns the position behind the newest event.
func (h *history) end() int64 {
	return h.offset + int64(len(h.bytes))
}

// between returns the bytes from one position to another, both at or after start.
func (h *history) between(from, to int64) []byte {
	return h.bytes[from-h.offset : to-h.offset : to-h.offset]
}

// add appends an event that has its ID. An ID that does not rise means that its
// source began anew: IDs held would be found in the wrong order, so they are given up.
func (h *history) add(e Event) {
	if e.ID <= h.lastID {
		h.goneID = h.lastID
		h.frames = nil
	}
	h.lastID = e.ID
	h.frames = append(h.frames, frame{e.ID, h.end()})
	h.bytes = e.appendTo(h.bytes)
	for len(h.frames) > 1 && h.end()-h.start() > maxHistory {
		h.goneID = h.frames[0].id
		h.frames = h.frames[1:]
	}
	if gone := h.start() - h.offset; gone > maxHistory {
		held := h.bytes[gone:]
		// Room for as much again, so that the next copy is a whole history away.
		h.bytes = append(make([]byte, 0, len(held)+maxHistory), held...)
		h.offset += gone
	}
}

// after returns the position of the first event after the given ID, and whether
// nothing between the two is missing. An ID that can't be placed, because it is older
// than all that is held or was never given out, gets all that is held: twice is better
// than never.
func (h *history) after(id int64) (position int64, whole bool) {
	if id == h.lastID {
		return h.end(), true
	}
	if id > h.lastID || len(h.frames) == 0 || id < h.frames[0].id {
		return h.start(), id == h.goneID
	}
	i, _ := slices.BinarySearchFunc(h.frames, id+1, func(f frame, id int64) int {
		return cmp.Compare(f.id, id)
	})
	return h.frames[i].start, true
}
