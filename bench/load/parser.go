package load

import (
	"bytes"
	"cmp"
	"errors"
)

// maxLine bounds what is kept of a line or a header whose end has not come: more than any
// server here sends.
const maxLine = 16 << 10

var errTooLong = errors.New("a line or header without end")

// A parser reads one answer that is an event stream, over HTTP/1.1 or HTTP/2, in whatever
// pieces it comes, and gives each event's key. It reads no more of an event than it takes to tell it
// from all others.
type parser struct {
	headerDone bool // the answer's header is read
	chunked    bool // the body comes in chunks (RFC 9112, section 7.1)
	chunk      chunkReader
	frames     *frameReader // nil over HTTP/1.1

	rest []byte // the unfinished line, or header

	hasID, hasData bool  // the event being read has such a line
	key            int64 // of the event being read

	lastID []byte // the last event ID, as the server wrote it; of Centrifugo's stream an epoch, a colon and an offset
	nextID []byte // the ID of the event being read

	epoch string // of Centrifugo's history

	retry int64 // the reconnection time that the stream has named, in milliseconds, or 0

	second, ordinal int64 // the last event without ID: its timestamp, and how many had the same
}

// errStatus is the error for an answer other than 200.
type errStatus string

func (e errStatus) Error() string { return "answered " + string(e) }

// feed reads what has come. b begins with p.rest, as the caller has put it there, and is
// overwritten. Each event calls dispatch.
func (p *parser) feed(b []byte, dispatch func(key int64)) error {
	fresh := len(p.rest) // b[:fresh] is body already freed of its chunks or frames
	if !p.headerDone && p.frames == nil {
		end := bytes.Index(b, []byte("\r\n\r\n"))
		if end < 0 {
			return p.keep(b)
		}
		if err := p.header(b[:end+2]); err != nil {
			return err
		}
		b, fresh = b[end+4:], 0
	}
	var end error // returned after the events before it
	n := len(b) - fresh
	switch {
	case p.frames != nil:
		n, end = p.frames.strip(b[fresh:])
		p.headerDone = p.frames.ok
	case p.chunked:
		n, end = p.chunk.strip(b[fresh:])
	}
	b = b[:fresh+n]
	for {
		b = p.wholeEvents(b, dispatch)
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			return cmp.Or(end, p.keep(b))
		}
		p.line(b[:i], dispatch)
		b = b[i+1:]
	}
}

// wholeEvents reads the events that b begins with, as far as they are whole and written as most
// servers do, with a number for an ID and one line of data, and returns what is left. line
// could read them as well, at twice the cost.
func (p *parser) wholeEvents(b []byte, dispatch func(key int64)) []byte {
	if p.hasID || p.hasData {
		return b
	}
	var id []byte
	for len(b) > len(idField) && string(b[:len(idField)]) == idField {
		key, i := int64(0), len(idField)
		for ; i < len(b) && b[i]-'0' <= 9; i++ {
			key = key*10 + int64(b[i]-'0')
		}
		data, ok := bytes.CutPrefix(b[i:], []byte("\n"+dataField))
		if !ok {
			break
		}
		end := bytes.IndexByte(data, '\n')
		if end < 0 || end+1 == len(data) || data[end+1] != '\n' {
			break
		}
		dispatch(key)
		id, b = b[len(idField):i], data[end+2:]
	}
	if id != nil {
		p.lastID = append(p.lastID[:0], id...)
	}
	return b
}

// keep keeps the unfinished line for the next call.
func (p *parser) keep(b []byte) error {
	if len(b) > maxLine {
		return errTooLong
	}
	p.rest = append(p.rest[:0], b...)
	return nil
}

// header reads the header of an HTTP/1.1 answer.
func (p *parser) header(b []byte) error {
	status, fields, _ := bytes.Cut(b, []byte("\r\n"))
	if !bytes.HasPrefix(status, []byte("HTTP/1.1 200")) {
		return errStatus(status)
	}
	p.headerDone = true
	p.chunked = bytes.Contains(bytes.ToLower(fields), []byte("transfer-encoding: chunked"))
	return nil
}

const (
	idField    = "id: "
	dataField  = "data: "
	retryField = "retry: "
	timestamp  = `{"timestamp":` // how the demo's payload begins
)

// line reads one line of the stream (WHATWG HTML, section 9.2.6).
func (p *parser) line(b []byte, dispatch func(key int64)) {
	if n := len(b); n > 0 && b[n-1] == '\r' {
		b = b[:n-1]
	}
	switch {
	case len(b) == 0:
		if p.hasData {
			dispatch(p.key)
		}
		if p.hasID {
			p.lastID, p.nextID = p.nextID, p.lastID
		}
		p.hasID, p.hasData = false, false
	case bytes.HasPrefix(b, []byte(idField)):
		id := b[len(idField):]
		p.hasID, p.key = true, keyOf(id)
		p.nextID = append(p.nextID[:0], id...)
	case bytes.HasPrefix(b, []byte(dataField)) && !p.hasData:
		data := b[len(dataField):]
		if !p.hasID && p.push(data, dispatch) {
			return
		}
		p.hasData = true
		if !p.hasID {
			p.key = p.count(data)
		}
	case bytes.HasPrefix(b, []byte(retryField)):
		p.retry = keyOf(b[len(retryField):])
	}
}

// perSecond is how many events a second can have different keys.
const perSecond = 1_000_000

// keyOf returns the key of an event with the given ID: a number, or as nchan has it, a
// time in seconds, a colon, and a number within that second.
func keyOf(id []byte) (key int64) {
	for i, c := range id {
		switch {
		case '0' <= c && c <= '9':
			key = key*10 + int64(c-'0')
		case c == ':':
			return key*perSecond + keyOf(id[i+1:])
		}
	}
	return key
}

// count returns the key of an event that has no ID: the demo's timestamp, and how many
// events with that timestamp came before. It can tell what a client missed from
// the first second on that the client was connected for the whole of.
func (p *parser) count(data []byte) int64 {
	var second int64
	if bytes.HasPrefix(data, []byte(timestamp)) {
		for _, c := range data[len(timestamp):] {
			if c < '0' || c > '9' {
				break
			}
			second = second*10 + int64(c-'0')
		}
	}
	if second == p.second {
		p.ordinal++
	} else {
		p.second, p.ordinal = second, 0
	}
	return second*perSecond + p.ordinal
}

// reset makes the parser ready for the next connection's answer. The last event ID and the reconnection time stay.
func (p *parser) reset() {
	*p = parser{rest: p.rest[:0], lastID: p.lastID, nextID: p.nextID, retry: p.retry, second: p.second, ordinal: p.ordinal}
}
