package program

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.com/sse/sse"

	"github.com/kataras/iris/v12"
)

// answersOf returns an app's handler of /events, as main.go has it.
func answersOf(t *testing.T, p *Rights, publish ...sse.Event) http.Handler {
	t.Helper()
	broker := sse.New(sse.Options{})
	t.Cleanup(func() { broker.Shutdown(t.Context()) })
	for _, e := range publish {
		if err := broker.Publish(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	app := iris.New()
	app.HandleMany("GET HEAD OPTIONS", "/events", p.Streams(broker))
	app.HandleMany("POST OPTIONS", "/events", p.Publishing(broker.Publish))
	if err := app.Build(); err != nil {
		t.Fatal(err)
	}
	return app
}

// A refusal is the same for a topic that has events, for one that has none, and for one that there can't be.
func TestRefusalIsOneLineThatTellsNothing(t *testing.T) {
	p := newRights(t)
	app := answersOf(t, p, sse.Event{Topic: "mail/bert", Data: []byte("hello")})
	right := newToken(t, []string{"mail/anna"}, []string{"mail/anna"})
	expired := newTokenUntil(t, time.Now().Add(-time.Second), []string{"mail/*"}, nil)
	for _, test := range []struct {
		name      string
		header    []string
		status    int
		challenge string
		word      string
	}{
		{"no token", nil, 401, "Bearer", "needed"},
		{"another scheme", []string{"Authorization", "Basic YTpi"}, 401, "Bearer", "needed"},
		{"expired", []string{"Authorization", "Bearer " + expired}, 401, `Bearer error="invalid_token"`, "expired"},
		{"malformed", []string{"Authorization", "Bearer swordfish"}, 401, `Bearer error="invalid_token"`, "JSON Web Token"},
		{"an empty cookie", []string{"Cookie", "sse="}, 401, `Bearer error="invalid_token"`, "JSON Web Token"},
		{"two tokens", []string{"Authorization", "Bearer " + right, "Cookie", "sse=" + right}, 400, `Bearer error="invalid_request"`, "two"},
		{"no right", []string{"Authorization", "Bearer " + right}, 403, `Bearer error="insufficient_scope"`, "may not"},
	} {
		before := ""
		for _, query := range []string{"topic=mail/bert", "topic=mail/carl", "topic=mail/bert&lastEventId=0", "topic=two%0Alines", "topic=mail/anna&topic=mail/bert"} {
			recorder := httptest.NewRecorder()
			app.ServeHTTP(recorder, newRequest("GET", query, test.header...))
			answer := recorder.Result()
			answer.Header.Del("Date")
			line := recorder.Body.String()
			if answer.StatusCode != test.status || answer.Header.Get("WWW-Authenticate") != test.challenge || !strings.Contains(line, test.word) {
				t.Errorf("%s, %s: %s, %q, %q", test.name, query, answer.Status, answer.Header.Get("WWW-Authenticate"), line)
			}
			if strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") || answer.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
				t.Errorf("%s, %s: not one line of text: %q", test.name, query, line)
			}
			for _, private := range []string{"anna", "bert", "carl", "eyJ", "swordfish"} {
				if strings.Contains(line, private) {
					t.Errorf("%s, %s: the line tells of %q: %q", test.name, query, private, line)
				}
			}
			var all strings.Builder
			answer.Header.Write(&all)
			all.WriteString(line)
			if before != "" && all.String() != before {
				t.Errorf("%s: answers differ:\n%s\n%s", test.name, before, &all)
			}
			before = all.String()
		}
		recorder := httptest.NewRecorder()
		app.ServeHTTP(recorder, newRequest("HEAD", "topic=mail/bert", test.header...))
		if recorder.Code != test.status {
			t.Errorf("%s: HEAD is answered %d", test.name, recorder.Code)
		}
	}
	want := map[string]int64{"no_token": 12, "expired": 6, "malformed": 12, "two_tokens": 6, "no_right": 6}
	for name, n := range p.Refused() {
		if n != want[name] {
			t.Errorf("%d were refused for %s, want %d", n, name, want[name])
		}
	}
}
