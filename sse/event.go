package sse

import (
	"bytes"
	"strconv"
	"strings"
)

// An Event is one message of the event stream.
type Event struct {
	// ID is what a client sends back as its last event ID when it reconnects.
	// Zero lets the broker number the event: the moment in microseconds since
	// 1970, or the last ID plus one where that is larger. A source that numbers
	// its own events gives IDs that rise; one that does not rise tells the
	// broker that the source began anew. IDs up to 2⁵³ survive a JavaScript
	// number.
	ID int64

	// Name is the event's type, which a browser dispatches the event under:
	// addEventListener(name) gets it, and onmessage gets only those without
	// one. What follows a line break in it is left off. "open" and "error"
	// are EventSource's own events, too: a listener for them would get both.
	// The zero value, "", is the standard's default, "message".
	Name string

	// Data is the payload: any bytes, also none. LF, CR and CRLF end a line
	// and reach the client as LF, as the standard has it; bytes that are not
	// UTF-8 reach it as U+FFFD. The broker reads Data until the event is
	// encoded, so a sender must not change it after sending.
	Data []byte
}

// appendTo appends the event's bytes on the wire to b: its ID, its name, each line of its
// data, and the blank line that makes a client dispatch it (WHATWG HTML, section
// 9.2.6, "Interpreting an event stream"). Every line of data carries its field
// name, so no payload can smuggle in a field of its own.
func (e Event) appendTo(b []byte) []byte {
	b = append(b, "id: "...)
	b = strconv.AppendInt(b, e.ID, 10)
	name := e.Name
	if i := strings.IndexAny(name, "\r\n"); i >= 0 {
		name = name[:i]
	}
	if name != "" {
		b = append(b, "\nevent: "...)
		b = append(b, name...)
	}
	for rest, more := e.Data, true; more; {
		var line []byte
		line, rest, more = cutLine(rest)
		b = append(b, "\ndata: "...)
		b = append(b, line...)
	}
	return append(b, "\n\n"...)
}

// cutLine returns data's first line, what follows its end, and whether there was
// an end: LF, CR, or both (section 9.2.5, "Parsing an event stream").
func cutLine(data []byte) (line, rest []byte, more bool) {
	i := bytes.IndexAny(data, "\r\n")
	if i < 0 {
		return data, nil, false
	}
	line, rest = data[:i], data[i+1:]
	if data[i] == '\r' && len(rest) > 0 && rest[0] == '\n' {
		rest = rest[1:]
	}
	return line, rest, true
}
