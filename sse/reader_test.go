package sse

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// A reader parses an event stream, and takes nothing but what the broker may send: it is
// stricter than WHATWG HTML, section 9.2.6, asks of a client.
type reader struct {
	lines    *bufio.Reader
	retry    int // the last reconnection time, in milliseconds
	comments int // how many heartbeats there were
}

func newReader(r io.Reader) *reader { return &reader{lines: bufio.NewReader(r)} }

// next returns the next event. Its error is io.EOF where the stream ended between events.
func (r *reader) next() (e Event, err error) {
	var data []string
	var hasID bool
	for {
		line, err := r.lines.ReadString('\n')
		if err != nil {
			if err == io.EOF && (line != "" || hasID || data != nil) {
				err = io.ErrUnexpectedEOF
			}
			return Event{}, err
		}
		line = strings.TrimSuffix(line, "\n")
		if strings.Contains(line, "\r") {
			return Event{}, fmt.Errorf("CR in line %q", line)
		}
		if line == "" {
			if !hasID || data == nil {
				return Event{}, fmt.Errorf("a block without id or data")
			}
			e.Data = []byte(strings.Join(data, "\n"))
			return e, nil
		}
		field, value, _ := strings.Cut(line, ": ")
		switch {
		case line == ":" && !hasID:
			r.comments++
		case field == "retry" && !hasID:
			r.retry, err = strconv.Atoi(value)
		case field == "id" && !hasID && data == nil:
			hasID = true
			e.ID, err = strconv.ParseInt(value, 10, 64)
		case field == "event" && hasID && data == nil && e.Name == "" && value != "":
			e.Name = value
		case field == "data" && hasID:
			data = append(data, value)
		default:
			err = fmt.Errorf("line %q", line)
		}
		if err != nil {
			return Event{}, err
		}
	}
}
