package program

import (
	"crypto/tls"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestWhoPublishesNeedsARightToTheTopic(t *testing.T) {
	p := newRights(t)
	p.PublishToken = func() string { return "swordfish" }
	app := answersOf(t, p)
	mail := newToken(t, nil, []string{"mail/*"})
	for _, test := range []struct {
		name, query, token string
		status             int
	}{
		{"the token of the file", "", "swordfish", 204},
		{"the token of the file, to a topic", "topic=mail/anna", "swordfish", 204},
		{"a right to the topic", "topic=mail/anna", mail, 204},
		{"a right to another topic", "topic=news", mail, 403},
		{"a right to another topic than the default", "", mail, 403},
		{"a right to the default topic", "", newToken(t, nil, []string{""}), 204},
		{"who may read may not therefore publish", "topic=mail/anna", newToken(t, []string{"mail/anna"}, nil), 403},
		{"no token", "topic=mail/anna", "", 401},
		{"a wrong token", "topic=mail/anna", "swordfis", 401},
		{"an expired token", "topic=mail/anna", newTokenUntil(t, time.Now().Add(-time.Second), nil, []string{"mail/*"}), 401},
		{"no topic", "topic=%00", mail, 400},
	} {
		r := newRequest("POST", test.query)
		if test.token != "" {
			r.Header.Set("Authorization", "Bearer "+test.token)
		}
		recorder := httptest.NewRecorder()
		app.ServeHTTP(recorder, r)
		if recorder.Code != test.status {
			t.Errorf("%s: %d %s", test.name, recorder.Code, recorder.Body)
		}
		if got := recorder.Header().Get("WWW-Authenticate"); (got != "") != (test.status == 401 || test.status == 403) {
			t.Errorf("%s: WWW-Authenticate is %q", test.name, got)
		}
		if line := recorder.Body.String(); strings.Contains(line, "mail") || strings.Contains(line, "sword") || strings.Contains(line, "eyJ") {
			t.Errorf("%s: the line tells of something: %q", test.name, line)
		}
	}
	want := map[string]int64{"no_right": 3, "no_token": 1, "malformed": 1, "expired": 1, "bad_event": 1}
	for name, n := range p.Refused() {
		if n != want[name] {
			t.Errorf("%d were refused for %s, want %d", n, name, want[name])
		}
	}
	// Without the file a token that is empty is no token, and without keys a JSON Web Token is none.
	for _, p := range []*Rights{{Keys: p.Keys}, {PublishToken: func() string { return "swordfish" }}} {
		app := answersOf(t, p)
		for _, token := range []string{"", mail} {
			recorder := httptest.NewRecorder()
			app.ServeHTTP(recorder, newRequest("POST", "topic=mail/anna", "Authorization", "Bearer "+token))
			want := 401
			if p.Keys != nil && token == mail {
				want = 204
			}
			if recorder.Code != want {
				t.Errorf("keys %v, token %.5q: %d, want %d", p.Keys != nil, token, recorder.Code, want)
			}
		}
	}
}

// A browser adds a cookie to whatever any page sends.
func TestCookiePublishesOnlyFromOriginsThatMay(t *testing.T) {
	const ours, other = "https://app.example", "https://other.example"
	for _, test := range []struct {
		name, host   string
		https        bool
		origin, site string
		status       int
	}{
		{"the server's own page", "sse.example", true, "https://sse.example", "same-origin", 204},
		{"the server's own page behind a proxy that sets Host", "127.0.0.1:8080", false, "https://sse.example", "same-origin", 204},
		{"the server's own page over HTTP", "sse.example:8080", false, "http://sse.example:8080", "", 204},
		{"the server's own page behind a proxy that ends TLS", "sse.example", false, "https://sse.example", "", 204},
		{"a page that is named", "sse.example", true, ours, "cross-site", 204},
		{"a page that is named, over HTTP", "sse.example", false, ours, "", 204},
		{"another site's page", "sse.example", true, other, "cross-site", 403},
		{"another site's page, over HTTP", "sse.example", false, other, "", 403},
		{"a page of the same site", "sse.example", true, "https://evil.sse.example", "same-site", 403},
		{"a page of another port", "sse.example:8080", false, "http://sse.example:8081", "", 403},
		{"a page over HTTP of the same host", "sse.example", true, "http://sse.example", "", 403},
		{"a page without an origin", "sse.example", true, "null", "cross-site", 403},
		{"a page without an origin, over HTTP", "sse.example", false, "null", "", 403},
		{"no page's word", "sse.example", true, "", "", 403},
		{"the reader's own doing", "sse.example", true, "", "none", 403},
		{"what is no origin", "sse.example", false, "sse.example", "", 403},
		{"an origin that begins alike", "sse.example", false, ours + ".evil.example", "", 403},
	} {
		p := newRights(t)
		p.Origins = []string{"https://x.example", ours}
		app := answersOf(t, p)
		for _, byCookie := range []bool{true, false} {
			token := newToken(t, nil, []string{"mail/anna"})
			r := newRequest("POST", "topic=mail/anna", "Authorization", "Bearer "+token)
			want := test.status
			if byCookie {
				r = newRequest("POST", "topic=mail/anna", "Cookie", "sse="+token)
			} else if !strings.HasSuffix(test.site, "-site") {
				want = 204 // A page that has the token itself may.
			}
			r.Host = test.host
			if test.https {
				r.TLS = new(tls.ConnectionState)
			}
			if test.origin != "" {
				r.Header.Set("Origin", test.origin)
			}
			if test.site != "" {
				r.Header.Set("Sec-Fetch-Site", test.site)
			}
			recorder := httptest.NewRecorder()
			app.ServeHTTP(recorder, r)
			if recorder.Code != want {
				t.Errorf("%s, by cookie %v: %d %s, want %d", test.name, byCookie, recorder.Code, recorder.Body, want)
			}
			if got := p.Refused()["other_origin"]; want == 403 && got == 0 {
				t.Errorf("%s, by cookie %v: it is not counted", test.name, byCookie)
			}
		}
	}
}

// Pages of the origins that are named read every answer, with cookies; all others what everybody may read, without.
func TestAnswersNameTheOriginsThatMaySendCookies(t *testing.T) {
	const ours, other = "https://app.example", "https://other.example"
	right := []string{"Authorization", "Bearer " + newToken(t, []string{"a"}, []string{"a"})}
	for _, named := range [][]string{nil, {"https://x.example", ours}} {
		for _, origin := range []string{ours, other, "null", ""} {
			for _, test := range []struct {
				what, method, query string
				header              []string
				status              int
				open                bool // to pages of every origin
			}{
				{"a stream", "HEAD", "", nil, 200, true},
				{"a stream of a topic", "HEAD", "topic=a", right, 200, true},
				{"a stream without a token", "GET", "topic=a", nil, 401, true},
				{"a stream without a right", "GET", "topic=b", right, 403, true},
				{"a preflight to read", "OPTIONS", "topic=a", []string{"Access-Control-Request-Method", "GET"}, 204, true},
				{"a preflight to publish", "OPTIONS", "topic=a", []string{"Access-Control-Request-Method", "POST"}, 204, false},
				{"publishing", "POST", "topic=a", right, 204, false},
				{"publishing without a token", "POST", "topic=a", nil, 401, false},
				{"publishing without a right", "POST", "topic=b", right, 403, false},
				{"publishing no event", "POST", "topic=%00", right, 400, false},
			} {
				p := newRights(t)
				p.Origins = named
				r := newRequest(test.method, test.query, test.header...)
				if origin != "" {
					r.Header.Set("Origin", origin)
				}
				recorder := httptest.NewRecorder()
				answersOf(t, p).ServeHTTP(recorder, r)
				h := recorder.Header()
				var allow, credentials, vary []string
				switch {
				case named != nil && origin == ours:
					allow, credentials = []string{ours}, []string{"true"}
				case test.open:
					allow = []string{"*"}
				case named == nil && test.method == "OPTIONS":
					allow = []string{"*"} // It allows GET alone, and no header.
				}
				if named != nil {
					vary = []string{"Origin"}
				}
				if recorder.Code != test.status || !slices.Equal(h["Access-Control-Allow-Origin"], allow) ||
					!slices.Equal(h["Access-Control-Allow-Credentials"], credentials) || !slices.Equal(h["Vary"], vary) {
					t.Errorf("%s, named %v, from %q: %d, want %d; %v", test.what, named, origin, recorder.Code, test.status, h)
				}
				if got := h.Get("Access-Control-Allow-Headers"); test.method == "OPTIONS" && credentials != nil && !strings.Contains(got, "Authorization") {
					t.Errorf("%s, named %v, from %q: the headers %q are allowed", test.what, named, origin, got)
				}
			}
		}
	}
}
