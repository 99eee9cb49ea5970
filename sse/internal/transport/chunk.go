package transport

import (
	"slices"
	"strconv"
)

// maxSizeLine is how many bytes the line has at most that says how large a chunk is.
const maxSizeLine = len("7fffffffffffffff\r\n")

// lastChunk ends a body in chunks, and so tells a client that its stream has ended and was not cut.
const lastChunk = "0\r\n\r\n"

// A Frame puts a part of the stream into a chunk (RFC 9112, section 7.1). The chunk is kept for the next
// client: most clients of a writer get the same part, for which the chunk is then made once. The zero Frame is empty. A
// Frame is used by one goroutine.
type Frame struct {
	part  []byte // what was put into the chunk last; whoever changes its bytes calls Forget
	chunk []byte
}

// around returns the part as a chunk, which is valid until the next call.
func (f *Frame) around(part []byte) []byte {
	if len(f.part) != len(part) || &f.part[0] != &part[0] {
		f.part = part
		f.chunk = appendChunk(f.chunk[:0], part)
	}
	return f.chunk
}

// Forget says that the memory of the last part has other bytes now, so that the part's chunk is of no use.
func (f *Frame) Forget() { f.part = nil }

// appendChunk appends a part as a chunk. A part is never empty: an empty chunk is the last one.
func appendChunk(b, part []byte) []byte {
	// The memory is allocated here, since within strconv the 2 KiB of a new writer's stack are not enough for that: to get
	// a larger stack took 6 of the 105 µs of an event for one client.
	b = slices.Grow(b, maxSizeLine+len(part)+len("\r\n"))
	b = strconv.AppendInt(b, int64(len(part)), 16)
	b = append(b, "\r\n"...)
	b = append(b, part...)
	return append(b, "\r\n"...)
}
