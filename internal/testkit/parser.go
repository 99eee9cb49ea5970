package testkit

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// An Event is one event of a stream, as a client would dispatch it.
type Event struct {
	ID   int64
	Name string // of the event's type, or "" where the stream names none
	Data string // its lines, with LF between them
}

// A Parser reads an event stream, and accepts nothing but what this server sends. It is stricter
// than the WHATWG HTML Standard, which tells a client in section 9.2.6 to ignore whatever it does
// not understand: a server has no reason to send such things. Every line ends with LF, and every
// field has one space after its colon. An event is an id, at most one name, and at least one line
// of data, in this order. A comment is empty, and stands between events like a reconnection time. So does
// an event of the name gap, which alone has no id.
type Parser struct {
	// AnyID accepts ids that do not rise or that are no numbers of JavaScript's. Without it an
	// id is greater than LastID, and has digits only.
	AnyID bool

	LastID   int64         // of the last event
	Retry    time.Duration // the last reconnection time, or 0
	Comments int           // how many comments there were
	Gaps     []Gap         // what the events of the name gap said, which Next does not return

	lines *bufio.Reader
	line  int // how many lines were read
}

// NewParser returns a parser of the stream that r reads.
func NewParser(r io.Reader) *Parser { return &Parser{lines: bufio.NewReader(r)} }

// A GrammarError is what is wrong with a stream, other than that it ended.
type GrammarError struct {
	Line int // counted from 1
	Err  error
}

func (e *GrammarError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap returns Err.
func (e *GrammarError) Unwrap() error { return e.Err }

// Line returns the next line with its LF, whatever it holds. It is for tests that look at more
// than events.
func (p *Parser) Line() (string, error) {
	p.line++
	return p.lines.ReadString('\n')
}

// Next returns the next event. At the stream's end its error is io.EOF, or wraps
// io.ErrUnexpectedEOF in the midst of an event or a line. What a stream may not hold is a
// [GrammarError].
func (p *Parser) Next() (Event, error) {
	var e Event
	var data []string
	var hasID, isGap bool
	for {
		line, err := p.Line()
		if err == io.EOF && (line != "" || hasID || isGap) {
			err = fmt.Errorf("%w after %d lines, in %q", io.ErrUnexpectedEOF, p.line-1, line)
		}
		if err != nil {
			return Event{}, err
		}
		line = strings.TrimSuffix(line, "\n")
		field, value, hasValue := strings.Cut(line, ": ")
		switch {
		case strings.Contains(line, "\r"):
			err = errors.New("a CR")
		case !utf8.ValidString(line):
			err = errors.New("not UTF-8")
		case line == "" && data == nil:
			err = errors.New("a block without data, which several clients take for an event")
		case line == "" && isGap:
			var gap Gap
			gap, err = parseGap(strings.Join(data, "\n"))
			p.Gaps = append(p.Gaps, gap)
			isGap, data = false, nil
		case line == "":
			e.Data = strings.Join(data, "\n")
			p.LastID = e.ID
			return e, nil
		case isGap && field != "data":
			err = errors.New("a gap event is data alone")
		case line == ":" && !hasID:
			p.Comments++
		case field == "retry" && !hasID:
			var ms int64
			ms, err = parseNumber(value)
			p.Retry = time.Duration(ms) * time.Millisecond
		case line == "event: gap" && !hasID:
			isGap = true
		case field == "id" && !hasID:
			hasID = true
			e.ID, err = p.parseID(value)
		case field == "event" && hasID && data == nil && e.Name == "" && value != "":
			e.Name = value
		case field == "data" && (hasID || isGap) && hasValue:
			data = append(data, value)
		default:
			err = errors.New("not a line that belongs here")
		}
		if err != nil {
			return Event{}, &GrammarError{p.line, fmt.Errorf("%q: %w", line, err)}
		}
	}
}

func (p *Parser) parseID(value string) (int64, error) {
	if p.AnyID {
		return strconv.ParseInt(value, 10, 64)
	}
	id, err := parseNumber(value)
	switch {
	case err != nil:
		return 0, err
	case id <= p.LastID:
		return 0, fmt.Errorf("it does not rise: the last was %d", p.LastID)
	case id >= 1<<53:
		return 0, errors.New("JavaScript has no such number")
	}
	return id, nil
}

// parseNumber parses a number that is written as a server writes it: digits without a sign or
// zeros in front.
func parseNumber(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err == nil && (n < 0 || strconv.FormatInt(n, 10) != s) {
		err = errors.New("not a plain number")
	}
	return n, err
}
