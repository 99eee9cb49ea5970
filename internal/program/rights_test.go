package program

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/sse/internal/rights"
	"example.com/sse/sse"

	"github.com/kataras/iris/v12"
)

// newRights returns rights by tokens.
func newRights(t *testing.T) *Rights {
	t.Helper()
	keys, warning, err := rights.Load(secretFile(t, 0o600), rights.Options{})
	if err != nil || warning != "" {
		t.Fatal(warning, err)
	}
	return &Rights{Keys: keys, Cookie: "sse"}
}

// newToken returns a token for an hour.
func newToken(t *testing.T, subscribe, publish []string) string {
	t.Helper()
	return newTokenUntil(t, time.Now().Add(time.Hour), subscribe, publish)
}

func newTokenUntil(t *testing.T, expires time.Time, subscribe, publish []string) string {
	t.Helper()
	token, err := rights.Make([]byte(secret), rights.Token{Expires: expires, Subscribe: subscribe, Publish: publish}, rights.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// newRequest returns a request for /events with a query, and with pairs of names and values as its header.
func newRequest(method, query string, header ...string) *http.Request {
	r := httptest.NewRequest(method, "/events?"+query, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

// reasonOf returns the name of a refusal's reason, or "" for none.
func reasonOf(refused *refusal) string {
	if refused == nil {
		return ""
	}
	return refused.reason.String()
}

func TestStreamNeedsATokenThatMaySubscribeToEachOfItsTopics(t *testing.T) {
	p := newRights(t)
	mail := newToken(t, []string{"mail/anna", "news/*", "mail/anna"}, nil)
	for _, test := range []struct {
		query, token string
		topics       []string // nil for a stream of the default topic alone, which gets what the request asks for
		refused      string
	}{
		{"", "", nil, ""},
		{"topic=", "", nil, ""},
		{"topic=&topic=", "", nil, ""},
		{"topics=mail/anna&Topic=mail/anna", "", nil, ""},
		{"topic=mail/anna", mail, []string{"mail/anna"}, ""},
		{"topic=mail%2Fanna&topic=", mail, []string{"mail/anna", ""}, ""},
		{"topic=mail/anna&topic=mail/anna&lastEventId=0", mail, []string{"mail/anna", "mail/anna"}, ""},
		{"topic=news/a&topic=news/b/c&topic=mail/anna", mail, []string{"news/a", "news/b/c", "mail/anna"}, ""},
		{"topic=mail/anna", "", nil, "no_token"},
		{"topic=&topic=mail/anna", "", nil, "no_token"},
		{"topic=mail/anna", "swordfish", nil, "malformed"},
		{"topic=mail/anna", mail + "x", nil, "wrong_key"},
		{"topic=mail/anna", newTokenUntil(t, time.Now().Add(-time.Second), []string{"mail/anna"}, nil), nil, "expired"},
		{"topic=mail/anna&topic=mail/bert", mail, nil, "no_right"},
		{"topic=mail/bert&topic=mail/anna", mail, nil, "no_right"},
		{"topic=&topic=mail/bert", mail, nil, "no_right"},
		{"topic=mail/ann", mail, nil, "no_right"},
		{"topic=mail/anna2", mail, nil, "no_right"},
		{"topic=mail/anna/", mail, nil, "no_right"},
		{"topic=mail/Anna", mail, nil, "no_right"},
		{"topic=news", mail, nil, "no_right"},
		{"topic=news/*", mail, []string{"news/*"}, ""}, // a topic like any other
		{"topic=*", mail, nil, "no_right"},
		{"topic=mail/*", mail, nil, "no_right"},
		{"topic=mail/anna", newToken(t, nil, []string{"mail/anna"}), nil, "no_right"}, // who may publish may not therefore read
		{"topic=mail/anna", newToken(t, nil, nil), nil, "no_right"},
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			r := newRequest(method, test.query)
			if test.token != "" {
				r.Header.Set("Authorization", "Bearer "+test.token)
			}
			got, refused := p.stream(r, time.Now())
			if !slices.Equal(got.Topics, test.topics) || reasonOf(refused) != test.refused {
				t.Errorf("%s %s: the topics are %q, refused for %q; want %q, %q", method, test.query, got.Topics, reasonOf(refused), test.topics, test.refused)
			}
			if (got.Topics != nil) != (got.Context != nil) || (got.Topics != nil) != !got.Until.IsZero() {
				t.Errorf("%s %s: it ends at %v, and while %v", method, test.query, got.Until, got.Context)
			}
		}
	}
}

// A browser sends a cookie that has expired for as long as it is told to.
func TestOpenTopicNeedsNoTokenAndLooksAtNone(t *testing.T) {
	p := newRights(t)
	for _, header := range [][]string{
		{"Authorization", "Bearer swordfish"},
		{"Authorization", "Bearer a", "Authorization", "Bearer b"},
		{"Cookie", "sse=" + newTokenUntil(t, time.Now().Add(-time.Hour), []string{""}, nil)},
	} {
		got, refused := p.stream(newRequest("GET", "", header...), time.Now())
		if refused != nil || got.Topics != nil || !got.Until.IsZero() {
			t.Errorf("%.40q: %+v, %+v", header, got, refused)
		}
	}
	if _, refused := new(Rights).stream(newRequest("GET", "topic=mail/anna"), time.Now()); refused != nil {
		t.Errorf("without keys a topic is not open: %+v", refused)
	}
}

func TestClosedDefaultTopicNeedsATokenThatNamesIt(t *testing.T) {
	p := newRights(t)
	p.CloseDefault = true
	for _, test := range []struct {
		query     string
		subscribe []string
		refused   string
	}{
		{"", []string{""}, ""},
		{"topic=", []string{"", "mail/*"}, ""},
		{"topic=&topic=mail/a", []string{"", "mail/*"}, ""},
		{"topic=mail/a", []string{"mail/*"}, ""},
		{"", []string{"mail/*"}, "no_right"},
		{"topic=mail/a&topic=", []string{"mail/*"}, "no_right"},
		{"", []string{"/*"}, "no_right"},
		{"", nil, "no_right"},
	} {
		r := newRequest("GET", test.query, "Authorization", "Bearer "+newToken(t, test.subscribe, nil))
		got, refused := p.stream(r, time.Now())
		if reasonOf(refused) != test.refused || (got.Topics != nil) != (refused == nil) {
			t.Errorf("%q by a token of %q: %q, refused for %q", test.query, test.subscribe, got.Topics, reasonOf(refused))
		}
	}
	if _, refused := p.stream(newRequest("GET", ""), time.Now()); reasonOf(refused) != "no_token" {
		t.Errorf("without a token: refused for %q", reasonOf(refused))
	}
}

// No stream ends after its token.
func TestStreamsOfTokensOfOneMinuteEndAtTimesOfTheirOwn(t *testing.T) {
	now := time.Now()
	for _, test := range []struct {
		expires time.Time
		spread  time.Duration
	}{
		{now.Add(time.Minute), 6 * time.Second},
		{now.Add(24 * time.Hour), 10 * time.Second},
		{now.AddDate(1000, 0, 0), 10 * time.Second}, // which is more than a Duration holds
		{now.Add(time.Second), 100 * time.Millisecond},
		{now.Add(5), 0},
		{now.Add(-time.Second), 0},
	} {
		seen := make(map[time.Duration]bool)
		for range 1000 {
			end := endOf(test.expires, now)
			if end.After(test.expires) || end.Before(test.expires.Add(-test.spread)) {
				t.Fatalf("until %v: it ends %v before its token", test.expires, test.expires.Sub(end))
			}
			seen[test.expires.Sub(end)*20/max(1, test.spread+1)] = true // in twentieths
		}
		if test.spread > 0 && len(seen) != 20 {
			t.Errorf("until %v: the ends are in %d of 20 parts of the spread", test.expires, len(seen))
		}
	}
}

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
