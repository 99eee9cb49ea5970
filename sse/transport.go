package sse

import "strconv"

// maxPart is how many bytes of the stream go to one client in one write: few enough that a client
// of 3 KB/s still finishes a part within stallTimeout, and that no client makes the others wait for
// its megabytes; enough that a system call for each costs nothing.
const maxPart = 32 << 10

// A transport is a client's way out: a [socket] that was hijacked, or the [handler] of a request. Once
// the client is registered only its writer calls these methods, but for cutOff, which any goroutine may call.
type transport interface {
	// open writes the response's header and the first part of the stream. Like write it blocks
	// until the client has room, or is cut off.
	open(part []byte) error

	// write writes a part of the stream. The frame is the calling writer's own.
	write(part []byte, f *frame) error

	// end ends the stream cleanly, after all that was written. It does not wait.
	end()

	// cutOff ends the stream at once, and with it a write that blocks. It does not wait.
	cutOff()
}

// lastChunk ends a body in chunks, and so tells a client that its stream has ended and was not cut.
const lastChunk = "0\r\n\r\n"

// A frame puts a part of the stream into a chunk (RFC 9112, section 7.1). It is kept for the next
// client: most clients of a writer get the same part, for which the chunk is then made once.
type frame struct {
	part  []byte // what was put into the chunk last; its bytes never change
	chunk []byte
}

// around returns the part as a chunk, which is valid until the next call.
func (f *frame) around(part []byte) []byte {
	if len(f.part) != len(part) || &f.part[0] != &part[0] {
		f.part = part
		f.chunk = appendChunk(f.chunk[:0], part)
	}
	return f.chunk
}

// appendChunk appends a part as a chunk. A part is never empty: an empty chunk is the last one.
func appendChunk(b, part []byte) []byte {
	b = strconv.AppendInt(b, int64(len(part)), 16)
	b = append(b, "\r\n"...)
	b = append(b, part...)
	return append(b, "\r\n"...)
}
