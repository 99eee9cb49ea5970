package sse

import (
	"bytes"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"example.com/sse/internal/text"
)

// minRetry and maxRetry bound the reconnection time that a client is told, in
// milliseconds. It is spread at random, so that a restart is no stampede.
const minRetry, maxRetry = 1000, 3000

// maxWithHead is how much of what a client has missed goes out with the header, in bytes: a copy of that is
// cheaper than a second write, which takes 20 of a reconnect's 110 µs.
const maxWithHead = 4 << 10

// writeFirst writes the header of the client's stream, and what is pending for the client, as the client's first
// writer. first, the beginning of the stream, is this client's alone.
func (c *client) writeFirst(first []byte) {
	part := first[:min(len(first), maxPart)]
	if rest := first[len(part):]; len(rest) > 0 {
		c.writing.bytes = rest
	} else if c.writing, _ = c.outbox.next(); !c.writing.isEmpty() { // writeAlone asks again whether the outbox is closed.
		part = append(part, c.writing.part(maxWithHead)...)
	}
	if err := c.out.open(part); err != nil {
		c.fail(err)
		c.users.Done()
		return
	}
	c.broker.stats.bytesSent.Add(int64(len(part)))
	c.writeAlone(nil)
}

// retryLine returns a line that tells a client its reconnection time. No blank line follows it: a block
// without data makes several clients dispatch an empty event.
func retryLine() []byte {
	line := strconv.AppendInt([]byte("retry: "), minRetry+rand.Int64N(maxRetry-minRetry+1), 10)
	return append(line, '\n')
}

// firstPart returns the beginning of a stream. The beginning goes out at once with the header, so that a
// browser's onopen fires now and not at the first event.
func (b *Broker) firstPart(c *client, events []Event) []byte {
	first := retryLine()
	if c.showHeartbeats {
		first = append(first, b.heartbeat(c)...)
	}
	for _, e := range events {
		encoded := e.appendTo(nil)
		first = append(first, encoded[bytes.IndexByte(encoded, '\n')+1:]...) // without the line of its ID
	}
	return first
}

// ownFields are the header's fields that makeHead writes itself, or leaves out: a middleware that compresses may have
// set Content-Encoding before it saw the content type.
var ownFields = map[string]bool{"Connection": true, "Content-Encoding": true, "Content-Length": true, "Date": true, "Transfer-Encoding": true}

// makeHead returns the header of a hijacked connection's response on the wire. The connection ends with the stream,
// which "Connection: close" says. A field that is not one line of text is left out.
//
// It runs in net/http's goroutine, whose stack has 4 KiB under load, most of them in use. To be moved into a larger
// one takes a tenth of a connect, so makeHead does without what needs a deep stack: without the sorting of
// http.Header.Write, and mostly without [time.Time.Format].
func makeHead(header http.Header, chunked bool) []byte {
	head := make([]byte, 0, 512)
	head = append(head, "HTTP/1.1 200 OK\r\nConnection: close\r\nDate: "...)
	head = append(head, date()...)
	head = append(head, "\r\n"...)
	if chunked {
		head = append(head, "Transfer-Encoding: chunked\r\n"...)
	}
	for name, values := range header {
		for _, value := range values {
			if !ownFields[name] && text.IsLine(name) && text.IsLine(value) {
				head = append(append(head, name...), ": "...)
				head = append(append(head, value...), "\r\n"...)
			}
		}
	}
	return append(head, "\r\n"...)
}

// A second is a time as the Date field has it.
type second struct {
	unix int64
	date string
}

var lastSecond atomic.Pointer[second]

// date returns the time as the Date field has it (RFC 9110, section 6.6.1).
func date() string {
	now := time.Now()
	s := lastSecond.Load()
	if s == nil || s.unix != now.Unix() {
		s = &second{now.Unix(), now.UTC().Format(http.TimeFormat)}
		lastSecond.Store(s)
	}
	return s.date
}
