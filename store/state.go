package store

import (
	"encoding/binary"
	"fmt"
)

// A state is what holds for all events of a file. The committer owns the current one; a transaction writes
// its own.
type state struct {
	born         int64 // what is above this ID was published to this file
	last         int64 // the ID of the newest event ever; born before the first
	window       int64 // the window begins at this ID: what is before it is kept
	events       int64 // how many events are retained
	windowEvents int64 // how many of these are in the window
	bytes        int64 // what the retained events cost
	keptBytes    int64 // how much of that is kept
	evicted      int64 // the ID of the newest event that was evicted; 0 before the first
	forgotten    int64 // topics of which the file has nothing may have lost events up to this ID; 0 where none has
}

// fields returns what a state consists of, in the order in which it is written.
func (s *state) fields() []*int64 {
	return []*int64{&s.born, &s.last, &s.window, &s.events, &s.windowEvents, &s.bytes, &s.keptBytes, &s.evicted, &s.forgotten}
}

func (s state) encode() (b []byte) {
	for _, field := range s.fields() {
		b = binary.BigEndian.AppendUint64(b, uint64(*field))
	}
	return b
}

// decodeState returns the state in a value.
func decodeState(b []byte) (s state, err error) {
	fields := s.fields()
	if len(b) != 8*len(fields) {
		return state{}, fmt.Errorf("%w: the state", errFormat)
	}
	for i, field := range fields {
		*field = int64(binary.BigEndian.Uint64(b[8*i:]))
	}
	windowBytes, keptEvents := s.bytes-s.keptBytes, s.events-s.windowEvents
	if s.born <= 0 || s.last < s.born || s.window < s.born || min(s.windowEvents, keptEvents, windowBytes, s.keptBytes, s.evicted, s.forgotten) < 0 {
		return state{}, fmt.Errorf("%w: the state", errFormat)
	}
	return s, nil
}
