package load

import (
	"errors"
	"io"
)

// A chunkReader takes the chunks' own lines out of a chunked body.
type chunkReader struct {
	left   int64 // bytes of this chunk's data still to come
	digits int   // read of the size of the next chunk
	state  chunkState
}

// maxChunkDigits bounds a chunk's size, to what an int64 holds.
const maxChunkDigits = 15

type chunkState uint8

const (
	chunkSize chunkState = iota
	chunkExtension
	chunkData
	chunkEnd
)

var errChunk = errors.New("not a chunk")

// strip moves the data in b to its front, and returns its length.
func (c *chunkReader) strip(b []byte) (n int, err error) {
	for i := 0; i < len(b); {
		switch c.state {
		case chunkData:
			data := b[i:min(int64(len(b)), int64(i)+c.left)]
			copy(b[n:], data)
			n += len(data)
			i += len(data)
			if c.left -= int64(len(data)); c.left == 0 {
				c.state = chunkEnd
			}
			continue
		case chunkSize:
			digit := hexDigit(b[i])
			if digit < 0 || c.digits == maxChunkDigits {
				if c.digits == 0 || digit >= 0 {
					return n, errChunk
				}
				c.state = chunkExtension
				continue
			}
			c.left, c.digits = c.left<<4|digit, c.digits+1
		case chunkExtension:
			if b[i] == '\n' {
				c.state, c.digits = chunkData, 0
				if c.left == 0 {
					return n, io.EOF // the last chunk: the stream has ended
				}
			}
		case chunkEnd:
			if b[i] == '\n' {
				c.state = chunkSize
			}
		}
		i++
	}
	return n, nil
}

// hexDigit returns a hexadecimal digit's value, or -1.
func hexDigit(c byte) int64 {
	switch {
	case '0' <= c && c <= '9':
		return int64(c - '0')
	case 'a' <= c && c <= 'f':
		return int64(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int64(c-'A') + 10
	}
	return -1
}
