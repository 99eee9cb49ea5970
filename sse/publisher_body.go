package sse

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"example.com/sse/internal/text"
)

const (
	// maxBlock is how long an event may be on the wire that a request publishes, in bytes, with
	// the first line of a stream before it. A client sees the two as one block when the
	// event is the first that is replayed to it. bufio.Scanner's buffer is 64 KiB.
	maxBlock = 64<<10 - 1

	// bodyTimeout is how long a request's body may take.
	bodyTimeout = 5 * time.Second
)

// checkEncoding returns why a body is refused for its encoding, or nil: what is compressed, or has
// another charset than UTF-8, would be garbage on every screen (RFC 9110, section 15.5.16).
func checkEncoding(h http.Header) *refusal {
	for coding := range strings.SplitSeq(strings.Join(h.Values("Content-Encoding"), ","), ",") {
		if coding = strings.TrimSpace(coding); coding != "" && !strings.EqualFold(coding, "identity") {
			return &refusal{http.StatusUnsupportedMediaType, fmt.Sprintf("the body has the content encoding %q: send it without one", coding),
				map[string]string{"Accept-Encoding": "identity"}}
		}
	}
	for _, value := range h.Values("Content-Type") {
		_, params, err := mime.ParseMediaType(value)
		if err != nil && value != "" {
			return &refusal{http.StatusUnsupportedMediaType, "the header Content-Type can't be read", nil}
		}
		switch charset := params["charset"]; strings.ToLower(charset) {
		case "", "utf-8", "utf8", "us-ascii":
		default:
			return &refusal{http.StatusUnsupportedMediaType, fmt.Sprintf("the body has the charset %q: send it as UTF-8", charset), nil}
		}
	}
	return nil
}

// topicToPublish returns the topic that a request publishes to. A query that can't be read is
// refused: it may name a topic, and what is meant for that topic's readers must not reach the default topic's.
func topicToPublish(r *http.Request) (topic string, refused *refusal) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	switch topics := query["topic"]; {
	case err != nil:
		return "", &refusal{http.StatusBadRequest, "the query of the URL can't be read", nil}
	case len(topics) > 1:
		return "", &refusal{http.StatusBadRequest, "an event has one topic, and the URL names more", nil}
	case len(topics) == 1:
		topic = topics[0]
	}
	if !text.IsTopic(topic) {
		return "", &refusal{http.StatusBadRequest, fmt.Sprintf("the topic is not one line of UTF-8 without control characters, of at most %d bytes", maxTopic), nil}
	}
	return topic, nil
}

// readBody returns a request's body.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, *refusal) {
	// An event is longer than its body, so more need not be read.
	tooLarge := &refusal{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is so large that the event would take more than %d bytes on the wire", maxBlock), nil}
	if r.ContentLength > maxBlock {
		return nil, tooLarge
	}
	// The deadline ends with the body: over HTTP/1 net/http reads on, to notice when the
	// client disconnects. Where the writer takes no deadline, the server's ReadTimeout bounds the body.
	controller := http.NewResponseController(w)
	controller.SetReadDeadline(time.Now().Add(bodyTimeout))
	data, err := io.ReadAll(io.LimitReader(r.Body, maxBlock+1))
	switch {
	case len(data) > maxBlock:
		return nil, tooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, &refusal{http.StatusRequestTimeout, fmt.Sprintf("the body is not complete after %v", bodyTimeout), nil}
	case err != nil:
		return nil, &refusal{http.StatusBadRequest, fmt.Sprintf("the body can't be read: %v", err), nil}
	}
	controller.SetReadDeadline(time.Time{})
	return data, nil
}

// blockLen returns how long an event that has no ID yet will be on the wire, with the first line of
// a stream before it.
func blockLen(e Event) int {
	e.ID = 1 << 53 // as many digits as a time in microseconds has until 2286
	return len(e.appendTo([]byte("retry: 3000\n")))
}
