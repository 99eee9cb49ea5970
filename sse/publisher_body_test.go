package sse

import (
	"context"
	"strings"
	"testing"
)

func TestWhatCannotBeAnEventIsRefused(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		server := newPublishServer(t, http2, func(_ context.Context, e Event) error {
			if string(e.Data) != "right" {
				t.Errorf("published: %+v", e)
			}
			return nil
		})
		for _, test := range []struct {
			name, value string
			status      int
			word        string
		}{
			{"Sse-Event", "caf\xe9", 400, "Sse-Event"}, // Latin-1, as browsers send it
			{"Sse-Event", "a\tb", 400, "Sse-Event"},
			{"Sse-Event", "a\u0085b", 400, "Sse-Event"},
			{"Content-Encoding", "gzip", 415, "gzip"},
			{"Content-Encoding", "identity, br", 415, "br"},
			{"Content-Type", "text/plain; charset=iso-8859-1", 415, "iso-8859-1"},
			{"Content-Type", "application/json; charset=\"UTF-16\"", 415, "utf-16"},
			{"Content-Type", "text/plain; charset", 415, "Content-Type"},
			{"Content-Encoding", "Identity", 204, ""},
			{"Content-Encoding", "", 204, ""},
			{"Content-Type", "", 204, ""},
			{"Content-Type", "text/plain;charset=UTF-8", 204, ""}, // as browsers send a string
			{"Content-Type", "application/x-www-form-urlencoded", 204, ""},
			{"Content-Type", "text/plain; charset=us-ascii", 204, ""},
		} {
			body := "wrong"
			if test.status == 204 {
				body = "right"
			}
			response, line := post(t, server, strings.NewReader(body), "Authorization", "Bearer swordfish", test.name, test.value)
			what := test.name + ": " + test.value
			wantLine(t, what, response, line, test.status)
			if !strings.Contains(strings.ToLower(line), strings.ToLower(test.word)) {
				t.Errorf("%s: no %q in %q", what, test.word, line)
			}
			if got := response.Header.Get("Accept-Encoding"); (got == "identity") != (test.status == 415 && test.name == "Content-Encoding") {
				t.Errorf("%s: Accept-Encoding is %q", what, got)
			}
		}
	}
	// A name is one, so two are refused, too.
	server := newPublishServer(t, false, func(context.Context, Event) error { return nil })
	response, line, _ := postHead(t, server, "Authorization: Bearer swordfish\r\nSse-Event: a\r\nSse-Event: b\r\nContent-Length: 1\r\n\r\nx")
	wantLine(t, "two names", response, line, 400)
}
