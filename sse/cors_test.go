package sse

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// publishers returns a Publisher in each way in which it can be mounted.
func publishers(t *testing.T, origins ...string) map[string]http.Handler {
	t.Helper()
	p := Publisher{Publish: func(context.Context, Event) error { return nil }, Token: "swordfish", Origins: origins}
	handlers := make(map[string]http.Handler)
	for name, mount := range mounts {
		handlers[name] = mount(t, p)
	}
	return handlers
}

// ask sends a request with headers to a handler, and returns its answer.
func ask(handler http.Handler, method, body string, header ...string) *http.Response {
	request := httptest.NewRequest(method, "/events", strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder.Result()
}

// allows reports whether a browser goes on after the answer to a preflight (Fetch Standard,
// "CORS-preflight fetch").
func allows(answer *http.Response, origin string, headers ...string) bool {
	allowed := strings.Split(strings.ToLower(answer.Header.Get("Access-Control-Allow-Headers")), ", ")
	for _, name := range headers {
		name = strings.ToLower(name)
		if !slices.Contains(allowed, name) && (name == "authorization" || !slices.Contains(allowed, "*")) {
			return false
		}
	}
	said := answer.Header.Get("Access-Control-Allow-Origin")
	return answer.StatusCode/100 == 2 && (said == "*" || said == origin)
}

func TestPreflightTellsWhoMayPublishAndWhoMayRead(t *testing.T) {
	const ours, other = "https://app.example", "https://other.example"
	for _, origins := range [][]string{nil, {"https://x.example", ours}} {
		for mounted, handler := range publishers(t, origins...) {
			for _, origin := range []string{ours, other, "null"} {
				preflight := func(method string) *http.Response {
					return ask(handler, "OPTIONS", "", "Origin", origin, "Access-Control-Request-Method", method)
				}
				answer := preflight("POST")
				want := origins != nil && origin == ours
				if got := allows(answer, origin, "authorization", "content-type", "sse-event", "traceparent"); got != want {
					t.Errorf("%s, %v: %s may publish: %t: %v", mounted, origins, origin, got, answer.Header)
				}
				if allows(answer, origin, "authorization") != want {
					t.Errorf("%s, %v: %s may publish without a name: %v", mounted, origins, origin, answer.Header)
				}
				if got := answer.Header.Get("Access-Control-Allow-Methods"); strings.Contains(got, "POST") != want {
					t.Errorf("%s, %v: %s may use %q", mounted, origins, origin, got)
				}
				answer = preflight("GET")
				if !allows(answer, origin, "authorization", "last-event-id", "cache-control", "content-type", "x-requested-with",
					"traceparent", "tracestate", "baggage", "x-datadog-trace-id") {
					t.Errorf("%s, %v: %s may not read: %v", mounted, origins, origin, answer.Header)
				}
			}
		}
	}
}

// A page that can't read an answer takes it for an error, whatever it says.
func TestEveryAnswerToAPageThatMayPublishCanBeReadByIt(t *testing.T) {
	const ours = "https://app.example"
	for mounted, handler := range publishers(t, ours) {
		for what, test := range map[string]struct {
			status int
			answer *http.Response
		}{
			"published":   {204, ask(handler, "POST", "x", "Origin", ours, "Sec-Fetch-Site", "cross-site", "Authorization", "Bearer swordfish")},
			"no token":    {401, ask(handler, "POST", "x", "Origin", ours, "Sec-Fetch-Site", "cross-site")},
			"gzip":        {415, ask(handler, "POST", "x", "Origin", ours, "Authorization", "Bearer swordfish", "Content-Encoding", "gzip")},
			"a bad name":  {400, ask(handler, "POST", "x", "Origin", ours, "Authorization", "Bearer swordfish", "Sse-Event", "\xff")},
			"too large":   {413, ask(handler, "POST", strings.Repeat("\n", 1<<16), "Origin", ours, "Authorization", "Bearer swordfish")},
			"PUT":         {405, ask(handler, "PUT", "x", "Origin", ours)},
			"a preflight": {204, ask(handler, "OPTIONS", "", "Origin", ours, "Access-Control-Request-Method", "POST")},
		} {
			h := test.answer.Header
			if test.answer.StatusCode != test.status || !slices.Equal(h.Values("Access-Control-Allow-Origin"), []string{ours}) ||
				!slices.Equal(h.Values("Vary"), []string{"Origin"}) {
				t.Errorf("%s, %s: %s, want %d, %v", mounted, what, test.answer.Status, test.status, h)
			}
		}
	}
}

func TestPageOfAnotherOriginPublishesNothing(t *testing.T) {
	for mounted, handler := range publishers(t, "https://app.example") {
		for _, site := range []string{"cross-site", "same-site", "same-origin", "none", ""} {
			want := 204
			if strings.HasSuffix(site, "-site") {
				want = 403
			}
			answer := ask(handler, "POST", "x", "Origin", "https://other.example", "Sec-Fetch-Site", site, "Authorization", "Bearer swordfish")
			if answer.StatusCode != want || answer.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s, %q: %s, want %d: %v", mounted, site, answer.Status, want, answer.Header)
			}
		}
	}
}

// What an app or its middleware has said stays, and is said once.
func TestPublisherKeepsTheAppsHeaders(t *testing.T) {
	const theirs = "https://theirs.example"
	set := map[string]string{"Access-Control-Allow-Origin": theirs, "Access-Control-Allow-Headers": "authorization",
		"Access-Control-Allow-Methods": "POST", "Vary": "Accept-Encoding"}
	for mounted, handler := range publishers(t, "https://app.example") {
		middleware := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for name, value := range set {
				w.Header().Set(name, value)
			}
			handler.ServeHTTP(w, r)
		})
		for _, method := range []string{"POST", "OPTIONS"} {
			answer := ask(middleware, method, "x", "Origin", theirs, "Sec-Fetch-Site", "cross-site", "Access-Control-Request-Method", "POST",
				"Authorization", "Bearer swordfish")
			got := make(map[string]string)
			for name := range set {
				got[name] = strings.Join(answer.Header.Values(name), "|")
			}
			if answer.StatusCode != 204 || !maps.Equal(got, set) {
				t.Errorf("%s, %s: %s, %v", mounted, method, answer.Status, got)
			}
		}
	}
}

func TestVaryNamesAHeaderOnce(t *testing.T) {
	for before, want := range map[string]string{
		"": "Origin", "Accept-Encoding": "Accept-Encoding, Origin", "origin": "origin", "X-Origin, ORIGIN": "X-Origin, ORIGIN", "X-Origin": "X-Origin, Origin",
	} {
		h := http.Header{}
		if before != "" {
			h.Set("Vary", before)
		}
		varyBy(h, "Origin")
		if got := strings.Join(h.Values("Vary"), "|"); got != want {
			t.Errorf("%q becomes %q, want %q", before, got, want)
		}
	}
}

// A CORS middleware leaves the header out for a page that may not read, and says that it depends on the origin.
func TestPageThatTheAppKeepsOutStaysOut(t *testing.T) {
	b, app := newApp(t)
	defer shutdown(t, b)
	handlers := publishers(t, "https://app.example")
	handlers["the stream"], handlers["the stream in Iris"] = b.Handler(), app
	for mounted, handler := range handlers {
		middleware := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Add("Vary", "Accept-Encoding")
			w.Header().Add("Vary", "origin")
			handler.ServeHTTP(w, r)
		})
		for _, method := range []string{"HEAD", "OPTIONS"} {
			answer := ask(middleware, method, "", "Origin", "https://other.example")
			if got := answer.Header.Values("Access-Control-Allow-Origin"); len(got) > 0 {
				t.Errorf("%s, %s: %q may read", mounted, method, got)
			}
		}
	}
}
