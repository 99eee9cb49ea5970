package transport

import (
	"net/http"
	"sync/atomic"
	"time"

	"example.com/sse/internal/text"
)

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
