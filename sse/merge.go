package sse

import (
	"cmp"
	"container/heap"
	"slices"
)

// A batch is what is pending for a client: a range of one topic's history, a heartbeat, or a merge where several
// of its topics have something new, a gap event is due, or it is the client's turn at the archive. The zero batch is nothing.
type batch struct {
	bytes []byte
	merge *merge // what comes after bytes; nil for nothing
}

// isEmpty tells whether there is nothing, or nothing more.
func (b *batch) isEmpty() bool { return len(b.bytes) == 0 && b.merge == nil }

// part takes the next part, of at most limit bytes, off a batch that is not empty. The part is empty only where nothing but a
// turn at the archive is left.
func (b *batch) part(limit int) []byte {
	if len(b.bytes) == 0 {
		b.bytes = b.merge.next()
	}
	part := b.bytes[:min(len(b.bytes), limit)]
	b.bytes = b.bytes[len(part):]
	if len(b.bytes) == 0 {
		b.bytes = nil // It would keep an old buffer of a history alive.
		if b.merge != nil && b.merge.replay == nil && len(b.merge.runs) == 0 {
			b.merge = nil
		}
	}
	return part
}

// A run is a range of a history.
type run struct {
	bytes  []byte
	events []entry // one for each event in bytes; its position is the history's: offset says where in bytes it begins
}

// A merge is runs of several topics' histories. The client's writer puts them in the order of their
// events' arrival as it writes them, a part at a time: until then a merge is two slices a topic,
// however much is pending. A merge is owned by listen until the writer picks it up.
type merge struct {
	replay  *replay // the client's turn at the archive, without first and runs; nil for none
	first   []byte  // what comes before the runs, and is for this client alone: the batch has no bytes then; nil for nothing
	runs    []run   // none is empty
	ordered bool    // runs are a heap: the one with the oldest event comes first
}

// Len, Less, Swap, Push and Pop are for container/heap.
func (m *merge) Len() int           { return len(m.runs) }
func (m *merge) Less(i, j int) bool { return m.runs[i].events[0].seq < m.runs[j].events[0].seq }
func (m *merge) Swap(i, j int)      { m.runs[i], m.runs[j] = m.runs[j], m.runs[i] }
func (m *merge) Push(any)           { panic("sse: nothing is pushed to a merge") }
func (m *merge) Pop() any {
	last := len(m.runs) - 1
	m.runs[last] = run{} // It would keep an old buffer of a history alive.
	m.runs = m.runs[:last]
	return nil
}

// mergeSize is how many bytes next copies together at most, where the events of several runs alternate. A client that does
// not read what it has missed of several topics takes that much memory. Nothing is copied where only one run is left, or
// where the events of one run that come before all others take more than mergeSize: then next returns a slice of the run.
const mergeSize = 16 << 10

// next takes the next bytes off a merge, in the order of the events' arrival: none where it has neither first nor a run.
func (m *merge) next() (bytes []byte) {
	if bytes, m.first = m.first, nil; bytes != nil {
		return bytes
	}
	if !m.ordered {
		heap.Init(m)
		m.ordered = true
	}
	for len(m.runs) > 0 {
		n := m.leading()
		leading := m.runs[0].bytes[:m.runs[0].offset(n)]
		if bytes == nil && (len(m.runs) == 1 || len(leading) > mergeSize) {
			m.cut(n)
			return leading
		}
		if len(bytes)+len(leading) > mergeSize {
			return bytes
		}
		bytes = append(bytes, leading...)
		m.cut(n)
	}
	return bytes
}

// leading returns how many events of the first run are older than all events of the other runs.
func (m *merge) leading() int {
	events := m.runs[0].events
	oldest := int64(-1) // the seq of the other runs' oldest event, which one of the heap's runs 1 and 2 has; -1 for none
	for i := 1; i <= 2 && i < len(m.runs); i++ {
		if seq := m.runs[i].events[0].seq; oldest < 0 || seq < oldest {
			oldest = seq
		}
	}
	if oldest < 0 {
		return len(events)
	}
	n, _ := slices.BinarySearchFunc(events, oldest, func(e entry, seq int64) int {
		return cmp.Compare(e.seq, seq)
	})
	return n
}

// cut takes the first events off the first run.
func (m *merge) cut(n int) {
	r := &m.runs[0]
	r.bytes, r.events = r.bytes[r.offset(n):], r.events[n:]
	if len(r.events) == 0 {
		heap.Remove(m, 0)
	} else {
		heap.Fix(m, 0)
	}
}

// offset returns where in the run's bytes an event begins.
func (r *run) offset(n int) int {
	if n == len(r.events) {
		return len(r.bytes)
	}
	return int(r.events[n].position - r.events[0].position)
}
