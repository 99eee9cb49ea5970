package sse

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"example.com/sse/internal/testkit"
)

// An app decides on each topic by what it knows of a request, and answers itself what it refuses.
func TestAuthorizeDecidesOnTheTopicInPlaceOfTheToken(t *testing.T) {
	authorize := func(w http.ResponseWriter, r *http.Request, topic string) bool {
		cookie, err := r.Cookie("session")
		switch {
		case err != nil:
			w.Header().Set("WWW-Authenticate", "Cookie")
			http.Error(w, "log in first", http.StatusUnauthorized)
			return false
		case topic != "mail/"+cookie.Value:
			http.Error(w, "this topic is not yours", http.StatusForbidden)
			return false
		}
		return true
	}
	for i := range 2 * len(mounts) {
		mount, http2 := []string{"Iris", "net/http"}[i/2], i%2 == 0
		published := make(chan Event, 1)
		publish := func(_ context.Context, e Event) error {
			published <- e
			return nil
		}
		server := newServerOf(t, http2, mounts[mount](t, Publisher{Publish: publish, Token: "swordfish", Authorize: authorize}))
		for _, test := range []struct {
			query   string
			headers []string
			status  int
			word    string
		}{
			{"?topic=mail/anna", []string{"Cookie", "session=anna"}, 204, ""},
			{"?topic=mail/bert", []string{"Cookie", "session=anna"}, 403, "not yours"},
			{"", []string{"Cookie", "session=anna"}, 403, "not yours"},
			{"?topic=mail/anna", nil, 401, "log in"},
			{"?topic=mail/anna", []string{"Authorization", "Bearer swordfish"}, 401, "log in"},
			{"?topic=mail/anna&topic=mail/bert", []string{"Cookie", "session=anna"}, 400, "one topic"},
			{"?topic=mail/anna", []string{"Cookie", "session=anna", "Sec-Fetch-Site", "cross-site"}, 403, "origin"},
			{"?topic=mail/anna", []string{"Cookie", "session=anna", "Content-Encoding", "gzip"}, 415, "gzip"},
			{"?topic=mail/bert", []string{"Cookie", "session=anna", "Content-Encoding", "gzip"}, 403, "not yours"},
		} {
			response, line := postTo(t, server, test.query, strings.NewReader("hello"), test.headers...)
			wantLine(t, mount+test.query, response, line, test.status)
			if !strings.Contains(line, test.word) {
				t.Errorf("%s: no %q in %q", test.query, test.word, line)
			}
			if got := response.Header.Get("WWW-Authenticate"); (got == "Cookie") != (test.status == 401) {
				t.Errorf("%s: %s, WWW-Authenticate is %q", test.query, response.Status, got)
			}
			if test.status != http.StatusNoContent {
				if len(published) > 0 {
					t.Errorf("%s: published %+v", test.query, <-published)
				}
				continue
			}
			if e := testkit.Receive(t, published, "the event"); e.Topic != "mail/anna" || string(e.Data) != "hello" {
				t.Errorf("%s: published %+v", test.query, e)
			}
		}
	}
}

// Who may not publish is told so at once, however long its body takes.
func TestAuthorizesAnswerDoesNotWaitForTheBody(t *testing.T) {
	refuse := func(w http.ResponseWriter, _ *http.Request, _ string) bool {
		http.Error(w, "no", http.StatusForbidden)
		return false
	}
	for mount := range mounts {
		server := newServerOf(t, false, mounts[mount](t, Publisher{Authorize: refuse}))
		body, feed := io.Pipe()
		t.Cleanup(func() { feed.Close() })
		response, line := postTo(t, server, "?topic=a", body)
		wantLine(t, mount, response, line, http.StatusForbidden)
	}
}
