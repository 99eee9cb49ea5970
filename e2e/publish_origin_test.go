package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.com/sse/internal/testkit"
)

// elsewhere serves a page of another origin than the server's.
func elsewhere(t *testing.T) (origin string) {
	t.Helper()
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, "<!doctype html><link rel=icon href=data:,><title>elsewhere</title>")
	}))
	t.Cleanup(other.Close)
	return other.URL
}

// A page is never told that what it has published failed, nor is it published in silence.
func TestEveryEngineTellsAPageOfAnotherOriginTheTruthAboutPublishing(t *testing.T) {
	inAllEngines(t, func(t *testing.T, open func(int) *page) {
		const failed = "error"
		allowed, other := elsewhere(t), elsewhere(t)
		s := start(t, "-interval", never.String(), "-publish-token-file", tokenFile(t), "-allow-origin", allowed)
		p := open(0)
		p.provoked = "/events" // A refusal is an error on the console.
		published := int64(0)
		for _, test := range []struct {
			origin, token, headers string
			want                   string
		}{
			{allowed, secret, `"Content-Type": "application/json", "Sse-Event": "alert", traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"`, "204"},
			{allowed, secret, `"Sse-Event": "caf\u00e9"`, "400 204"}, // as Latin-1, or from WebKitGTK as UTF-8
			{allowed, secret, `"Content-Encoding": "gzip"`, "415"},
			{allowed, "wrong", ``, "401"},
			{other, secret, ``, failed},
			{s.url, secret, `"Sse-Event": "alert"`, "204"}, // the server's own page
			{s.url, "wrong", ``, "401"},
		} {
			p.visit(test.origin)
			got := p.ask(fmt.Sprintf(`fetch(%q, {method: "POST", body: "hello", headers: {Authorization: "Bearer %s", %s}}).then(answer => String(answer.status))`,
				s.url+"/events", test.token, test.headers))
			if got == "204" {
				published++
			}
			if events := s.stats().Events; !strings.Contains(test.want, got) || events != published {
				t.Errorf("%+v: %s; %d events, want %d", test, got, events, published)
			}
		}
		events := subscribe(t, s.url+"/events", "1").events
		for range published {
			if e := testkit.Receive(t, events, "an event"); e.Data != "hello" || e.Name != "alert" && e.Name != "café" {
				t.Errorf("published was %q %q", e.Name, e.Data)
			}
		}
		// Reading is for everybody, with all that tracing adds, and over a path with a slash.
		p.visit(other)
		got := p.ask(fmt.Sprintf(`fetch(%q, {headers: {Authorization: "Bearer x", "Last-Event-ID": "0", "X-Requested-With": "fetch", baggage: "a=b",
			traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", tracestate: "a=b", "Content-Type": "text/plain"}})
			.then(async answer => new TextDecoder().decode((await answer.body.getReader().read()).value))`, s.url+"/events/"))
		if !strings.Contains(got, "retry: ") {
			t.Errorf("the stream begins with %q", got)
		}
	})
}
