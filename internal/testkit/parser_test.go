package testkit

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

// parseAll returns the events of a stream, and what ended it.
func parseAll(p *Parser) (events []Event, err error) {
	for {
		e, err := p.Next()
		if err != nil {
			return events, err
		}
		events = append(events, e)
	}
}

func TestParserReadsWhatAServerSends(t *testing.T) {
	p := NewParser(strings.NewReader(
		"retry: 1500\n:\nid: 1\ndata: a\n\nid: 2\nevent: alert\ndata: b\ndata: \ndata:  c: d\n\n:\nid: 3\ndata: \n\n:\nretry: 0\n"))
	events, err := parseAll(p)
	want := []Event{{1, "", "a"}, {2, "alert", "b\n\n c: d"}, {3, "", ""}}
	if !slices.Equal(events, want) || err != io.EOF {
		t.Errorf("got %+v, %v, want %+v", events, err, want)
	}
	if p.LastID != 3 || p.Retry != 0 || p.Comments != 3 {
		t.Errorf("last ID %d, retry %v, %d comments", p.LastID, p.Retry, p.Comments)
	}
}

func TestParserReadsGaps(t *testing.T) {
	p := NewParser(strings.NewReader("retry: 1500\nevent: gap\ndata: {\"lastEventId\":\"a\\u0000\",\"first\":3}\n\nid: 3\ndata: a\n\n" +
		"event: gap\ndata: {\"lastEventId\":\"3\",\"first\":null}\n\n"))
	events, err := parseAll(p)
	if want := []Gap{{"a\x00", 3}, {"3", 0}}; len(events) != 1 || err != io.EOF || !slices.Equal(p.Gaps, want) || p.LastID != 3 {
		t.Errorf("got %+v, %v, gaps %+v", events, err, p.Gaps)
	}
}

func TestParserKeepsTheReconnectionTime(t *testing.T) {
	p := NewParser(strings.NewReader("retry: 1500\n"))
	if _, err := p.Next(); err != io.EOF || p.Retry != 1500*time.Millisecond {
		t.Errorf("retry %v, %v", p.Retry, err)
	}
}

func TestParserIsStrict(t *testing.T) {
	for _, stream := range []string{
		"\n",                       // a block without data
		"retry: 1000\n\n",          // likewise
		"id: 1\n\n",                // likewise
		"id: 1\nevent: x\n\n",      // likewise
		":\n\n",                    // likewise
		"data: a\n\n",              // no id
		"event: gap\n\n",           // a gap event without data
		"event: gap\ndata: {}\n\n", // one that says nothing
		"event: gap\ndata: {\"lastEventId\":\"3\",\"first\":null}\nid: 4\n\n",   // one with an id
		"event: gap\n:\ndata: {\"lastEventId\":\"3\",\"first\":null}\n\n",       // a comment in it
		"event: gap\ndata: {\"lastEventId\":\"3\",\"first\":null}\ndata: x\n\n", // two lines
		"event: gap\ndata: {\"lastEventId\": \"3\", \"first\": null}\n\n",       // not as Go writes it
		"id: 1\ndata: a\n\n\n",                   // a second blank line
		"data: a\nid: 1\n\n",                     // the id comes late
		"event: x\nid: 1\ndata: a\n\n",           // likewise
		"id: 1\nid: 2\ndata: a\n\n",              // two ids
		"id: 1\ndata: a\nid: 2\n\n",              // likewise
		"id: +1\ndata: a\n\n",                    // not only digits
		"id: 01\ndata: a\n\n",                    // not as a server writes it
		"id: 0\ndata: a\n\n",                     // no id of an event
		"id: -1\ndata: a\n\n",                    // likewise
		"id: \ndata: a\n\n",                      // resets the last event ID
		"id:1\ndata: a\n\n",                      // no space
		"id\ndata: a\n\n",                        // no value
		"id: 1\x00\ndata: a\n\n",                 // a client ignores an id with NUL
		"id: 9007199254740992\ndata: a\n\n",      // no JavaScript number
		"id: 9223372036854775808\ndata: a\n\n",   // no number for Go
		"id: 1\ndata: a\n\nid: 1\ndata: a\n\n",   // does not rise
		"id: 2\ndata: a\n\nid: 1\ndata: a\n\n",   // likewise
		"retry: 1s\n",                            // not only digits
		"retry: -1\n",                            // likewise
		"retry: \n",                              // no number
		"id: 1\nretry: 1\ndata: a\n\n",           // inside an event
		"id: 1\n:\ndata: a\n\n",                  // likewise
		": hello\n",                              // a comment with words
		"id: 1\nData: a\n\n",                     // unknown field
		"id: 1\ndata : a\n\n",                    // likewise
		"id: 1\ndata\n\n",                        // no value
		"id: 1\ndata:a\n\n",                      // no space
		"id: 1\nevent: x\nevent: y\ndata: a\n\n", // two names
		"id: 1\nevent: \ndata: a\n\n",            // an empty name
		"id: 1\ndata: a\nevent: x\n\n",           // the name comes late
		"id: 1\r\ndata: a\r\n\r\n",               // CRLF
		"id: 1\rdata: a\r\r\n",                   // CR
		"id: 1\ndata: a\rb\n\n",                  // likewise
		"id: 1\ndata: \xff\n\n",                  // not UTF-8
		"\uFEFFid: 1\ndata: a\n\n",               // a byte order mark
		"HTTP/1.1 200 OK\n\nid: 1\ndata: a\n\n",  // a header in the body
	} {
		_, err := parseAll(NewParser(strings.NewReader(stream)))
		if grammar := (*GrammarError)(nil); !errors.As(err, &grammar) {
			t.Errorf("%q: got %v, want a GrammarError", stream, err)
		}
	}
	for _, stream := range []string{"id: 1\ndata: a\n", "id: 1\n", "id: 1\ndata: a\n\n:", "retry: 1", "id: 1\ndata: a\n\nid"} {
		if _, err := parseAll(NewParser(strings.NewReader(stream))); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q: got %v, want that its end is unexpected", stream, err)
		}
	}
}

func TestParserAcceptsWhatItIsToldTo(t *testing.T) {
	p := NewParser(strings.NewReader("id: 5\ndata: a\n\nid: -5\ndata: a\n\nid: 9223372036854775807\ndata: a\n\n"))
	p.AnyID = true
	if events, err := parseAll(p); err != io.EOF || len(events) != 3 || events[1].ID != -5 {
		t.Errorf("got %+v, %v", events, err)
	}
}

func TestGrammarErrorSaysWhere(t *testing.T) {
	_, err := parseAll(NewParser(strings.NewReader("retry: 1\nid: 1\ndata: a\n\nwrong\n")))
	if err == nil || !strings.HasPrefix(err.Error(), `line 5: "wrong"`) {
		t.Error(err)
	}
}

// FuzzParser checks that a stream which is accepted has one way only to be written: so nothing
// is accepted by oversight, and nothing is lost.
func FuzzParser(f *testing.F) {
	for _, stream := range []string{
		"retry: 1500\n:\nid: 1\ndata: a\n\nid: 2\nevent: alert\ndata: b\ndata: \n\n:\n",
		"id: -1\ndata: \xff\n\nid: -1\ndata: a\n\n", "id: 1\ndata: a\n\nid: 1", "id: +1\ndata: a\n\n", ":\r\n",
	} {
		f.Add(stream)
	}
	f.Fuzz(func(t *testing.T, stream string) {
		events, err := parseAll(NewParser(strings.NewReader(stream)))
		if err != io.EOF {
			return
		}
		var written strings.Builder
		for _, e := range events {
			fmt.Fprintf(&written, "id: %d\n", e.ID)
			if e.Name != "" {
				fmt.Fprintf(&written, "event: %s\n", e.Name)
			}
			fmt.Fprintf(&written, "data: %s\n\n", strings.ReplaceAll(e.Data, "\n", "\ndata: "))
		}
		var read strings.Builder // The stream without what stands between events.
		for line := range strings.Lines(stream) {
			if line != ":\n" && !strings.HasPrefix(line, "retry: ") {
				read.WriteString(line)
			}
		}
		if read.String() != written.String() {
			t.Errorf("%q is accepted as %q", stream, written.String())
		}
	})
}
