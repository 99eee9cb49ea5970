package sse

import (
	"bytes"
	"slices"
	"strconv"
	"unicode/utf8"

	"example.com/sse/internal/text"
)

// maxFraming is how long an event is at most on the wire without its name and its data:
// an int64 takes up to 20 bytes.
const maxFraming = len("id: \nevent: \n\n") + 20

// An Event is one message of the event stream.
type Event struct {
	// ID is what a client sends back as its last event ID when it reconnects. All topics share one
	// order of IDs, and IDs up to 2⁵³ survive a JavaScript number.
	//
	//   - Zero lets the broker number the event: the time in microseconds since 1970, or the last ID plus
	//     one where that is larger. So IDs rise over a restart, too, unless the clock was set back
	//     further than the last run lasted.
	//   - A source that numbers its own events gives IDs that rise. An ID that does not rise tells the
	//     broker that the source restarts its numbering: no client can resume from the events before it any
	//     more, but each client that was to get these still gets them.
	ID int64

	// Topic is where the event is published: only streams of that topic get it. A topic is any
	// text without control characters of at most 256 bytes, such as "mail/anna". A topic needs no
	// creation, and is gone when it has neither a stream nor a retained event. The topic is not
	// on the wire: the name and the data say what a client must know. The zero value is the default
	// topic, which a request gets that asks for none. [Broker.Publish] refuses any other text with [ErrTopic];
	// what comes through Notifier for such a topic reaches nobody.
	Topic string

	// Name is the event's type, one line of text: UTF-8 without control characters.
	// A browser dispatches the event to the listeners for it,
	// addEventListener(name, …), and onmessage gets only events without one.
	// [Broker.Publish] refuses any other name with [ErrName]; what comes through
	// Notifier is sent with U+FFFD for whatever can't be in a name. "open" and
	// "error" are also EventSource's own events, so a listener would get both.
	// The zero value is the standard's default, "message".
	Name string

	// Data is the payload: any bytes, also none. LF, CR and CRLF end a line
	// and reach the client as LF, as the standard has it. An event stream is
	// UTF-8 (section 9.2.5), so a run of bytes that are not UTF-8 is sent as U+FFFD. Never reuse Data's
	// memory after Publish or a send to Notifier: the broker may read it later.
	Data []byte

	// Gap is for a source that numbers its events ([Broker.Hold]): what the source has left out before
	// this event. A client that resumes from before the gap gets the later events, is told of the gap, and
	// counts among [Stats.ResumesIncomplete]. The zero value is [NoGap].
	Gap Gap
}

// A Gap says which events a source may have left out before an event: events that the source has lost, or
// that it does not give the broker because it gives only the last ones. IDs that no event ever had are no gap.
type Gap uint8

const (
	NoGap    Gap = iota // none
	TopicGap            // some of the event's topic, up to the ID before the event's
	AnyGap              // some of any topics, up to the ID before the event's
)

// appendTo appends the event's bytes on the wire to b: its ID, its name, each line of its
// data, and the blank line that makes a client dispatch it (WHATWG HTML, section
// 9.2.6, "Interpreting an event stream"). Every line of data carries its field
// name, so no payload can smuggle in a field of its own. What appendTo appends is UTF-8: strict clients
// end at any other byte, resume before that event, and never get the events after it.
func (e Event) appendTo(b []byte) []byte {
	if !utf8.Valid(e.Data) {
		e.Data = bytes.ToValidUTF8(e.Data, []byte(string(utf8.RuneError)))
	}
	if !text.IsLine(e.Name) {
		e.Name = text.Line(e.Name)
	}
	// Grown once: a payload of line feeds alone is seven times as long on the wire.
	lines := 1 + bytes.Count(e.Data, []byte{'\n'}) + bytes.Count(e.Data, []byte{'\r'})
	b = slices.Grow(b, maxFraming+len(e.Name)+lines*len("\ndata: ")+len(e.Data))
	b = append(b, "id: "...)
	b = strconv.AppendInt(b, e.ID, 10)
	if e.Name != "" {
		b = append(b, "\nevent: "...)
		b = append(b, e.Name...)
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
