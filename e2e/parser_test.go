package e2e

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// A message is one event as a client would dispatch it.
type message struct {
	id   int64
	data string
}

// A parser reads an event stream by the grammar of the WHATWG HTML Standard, section 9.2.5,
// and dispatches by section 9.2.6. Where the standard tells a client to ignore what it does
// not understand, the parser gives an error: a server has no reason to send such things.
// Besides the standard's rules it asks for what this server promises: every event has an id
// that is a number and rises, and a block without data, for which several clients dispatch
// an empty event, does not occur.
type parser struct {
	lines  *bufio.Scanner
	n      int   // lines read
	lastID int64 // of the last event

	heartbeats int           // comments seen
	retry      time.Duration // the last reconnection time seen, or 0
}

func newParser(r io.Reader) *parser {
	p := &parser{lines: bufio.NewScanner(r)}
	p.lines.Buffer(nil, 64<<20)
	p.lines.Split(splitLine)
	return p
}

// splitLine is a bufio.SplitFunc for lines that end with LF, CR or CRLF. An unfinished line at
// the stream's end is an error.
func splitLine(data []byte, atEOF bool) (advance int, token []byte, err error) {
	i := bytes.IndexAny(data, "\r\n")
	switch {
	case i < 0 && atEOF && len(data) > 0:
		return 0, nil, fmt.Errorf("%w in line %q", io.ErrUnexpectedEOF, data)
	case i < 0:
		return 0, nil, nil
	case data[i] == '\n':
		return i + 1, data[:i], nil
	case i+1 < len(data) && data[i+1] == '\n':
		return i + 2, data[:i], nil
	case i+1 < len(data) || atEOF:
		return i + 1, data[:i], nil
	}
	return 0, nil, nil // Whether LF follows CR is not known yet.
}

// A grammarError is what is wrong with a stream, other than that it ended.
type grammarError struct {
	error
	line int
}

func (e grammarError) Error() string { return fmt.Sprintf("line %d: %v", e.line, e.error) }

// next returns the next event. At the stream's end its error is io.EOF, or wraps
// io.ErrUnexpectedEOF inside an event; a comment or a retry field alone needs no blank line
// behind it. What the grammar forbids is a grammarError.
func (p *parser) next() (message, error) {
	var m message
	var data []string
	var hasID bool
	for p.lines.Scan() {
		p.n++
		line := p.lines.Text()
		if !utf8.ValidString(line) {
			return m, p.errorf("not UTF-8: %q", line)
		}
		if p.n == 1 && strings.HasPrefix(line, "\uFEFF") {
			return m, p.errorf("a byte order mark: %q", line)
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "":
			if len(data) == 0 {
				return m, p.errorf("a block without data")
			}
			if !hasID {
				return m, p.errorf("an event without an id")
			}
			p.lastID = m.id
			m.data = strings.Join(data, "\n")
			return m, nil
		case field == "":
			p.heartbeats++
		case field == "data":
			data = append(data, value)
		case field == "retry":
			ms, err := parseDigits(value)
			if err != nil {
				return m, p.errorf("retry: %v", err)
			}
			p.retry = time.Duration(ms) * time.Millisecond
		case field == "id":
			id, err := parseDigits(value)
			if err != nil || hasID || id <= p.lastID || id >= 1<<53 {
				return m, p.errorf("id %q after %d (%v)", value, p.lastID, err)
			}
			m.id, hasID = id, true
		default:
			return m, p.errorf("an unknown field: %q", line)
		}
	}
	if err := p.lines.Err(); err != nil {
		return m, err
	}
	if hasID || len(data) > 0 {
		return m, fmt.Errorf("%w in an event, behind %q", io.ErrUnexpectedEOF, data)
	}
	return m, io.EOF
}

func (p *parser) errorf(format string, args ...any) error {
	return grammarError{fmt.Errorf(format, args...), p.n}
}

// parseDigits parses a number that has digits only, without a sign.
func parseDigits(s string) (int64, error) {
	if strings.Trim(s, "0123456789") != "" {
		return 0, errors.New("not only digits")
	}
	return strconv.ParseInt(s, 10, 64)
}

func TestParserIsStrict(t *testing.T) {
	for _, stream := range []string{
		"id: 1\ndata: a\n\n",
		"retry: 1000\n:\nid: 1\r\ndata:a\r\r",
		"id:1\ndata: a\ndata:\ndata\n\n:\n",
	} {
		p := newParser(strings.NewReader(stream))
		m, err := p.next()
		if err != nil || m.id != 1 || !strings.HasPrefix(m.data, "a") {
			t.Errorf("%q: got %v, %v", stream, m, err)
		}
		if _, err := p.next(); err != io.EOF {
			t.Errorf("%q: got %v at the end", stream, err)
		}
	}
	for _, stream := range []string{
		"\n",                                    // a block without data
		"retry: 1000\n\n",                       // likewise
		"id: 1\n\n",                             // likewise
		":\n\n",                                 // likewise
		"data: a\n\n",                           // no id
		"id: 1\nid: 2\ndata: a\n\n",             // two ids
		"id: +1\ndata: a\n\n",                   // not only digits
		"id: \ndata: a\n\n",                     // resets the last event ID
		"id: 1\x00\ndata: a\n\n",                // a client ignores an id with NUL
		"id: 9007199254740992\ndata: a\n\n",     // no JavaScript number
		"id: 1\ndata: a\n\nid: 1\ndata: a\n\n",  // does not rise
		"id: 1\nretry: 1s\ndata: a\n\n",         // not only digits
		"id: 1\nData: a\n\n",                    // unknown field
		"id: 1\ndata : a\n\n",                   // unknown field
		"id: 1\nevent: x\ndata: a\n\n",          // onmessage would not see it
		"id: 1\ndata: \xff\n\n",                 // not UTF-8
		"\uFEFFid: 1\ndata: a\n\n",              // a byte order mark
		"id: 1\ndata: a\n",                      // not finished
		"id: 1\ndata: a\n\n:",                   // likewise
		"HTTP/1.1 200 OK\n\nid: 1\ndata: a\n\n", // a head in the body
	} {
		p := newParser(strings.NewReader(stream))
		var err error
		for err == nil {
			_, err = p.next()
		}
		if err == io.EOF {
			t.Errorf("%q is accepted", stream)
		}
	}
}
