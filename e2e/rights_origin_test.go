package e2e

import (
	"fmt"
	"testing"
	"time"
)

// A browser sends its visitor's cookie with what any page asks for. Only pages of the origins that are named publish by
// it, and read with it.
func TestEveryEngineSendsCookiesForPagesOfTheOriginsThatAreNamed(t *testing.T) {
	inAllEngines(t, func(t *testing.T, openWindow func(int) *page) {
		keys := newSigner(t)
		portal, before := newPortal(t)
		named, other := elsewhere(t), elsewhere(t)
		s := start(t, "-interval", never.String(), "-publish-token-file", tokenFile(t),
			"-jwt-key-file", keys.file, "-jwt-cookie", portal.cookie, "-allow-origin", named)
		before(s)
		p := openWindow(0)
		p.provoked = "/events" // A refusal is an error on the console.
		p.visit(portal.login(keys.token(time.Now().Add(time.Hour), []string{"mail/anna"}, []string{"mail/anna"})))
		address := s.url + "/events?topic=mail/anna"
		fetch := func(options string) string {
			return fmt.Sprintf(`fetch(%q, {method: "POST", body: "hello", %s}).then(answer => String(answer.status))`, address, options)
		}
		published := int64(0)
		for _, test := range []struct {
			what, origin, options string
			want                  string
			publishes             bool
		}{
			{"a page that is named", named, `credentials: "include"`, "204", true},
			{"a page that is named, with a name", named, `credentials: "include", headers: {"Sse-Event": "alert"}`, "204", true},
			{"a page that is named, without cookies", named, `credentials: "omit"`, "401", false},
			{"another page", other, `credentials: "include"`, "error", false},
			{"another page that wants no answer", other, `credentials: "include", mode: "no-cors"`, "0", false},
		} {
			p.visit(test.origin)
			if got := p.ask(fetch(test.options)); got != test.want {
				t.Errorf("%s: %s, want %s", test.what, got, test.want)
			}
			if test.publishes {
				published++
			}
			if events := s.stats().Events; events != published {
				t.Errorf("%s: %d events were published, want %d", test.what, events, published)
			}
		}
		if got := s.refused()["other_origin"]; got != 2 {
			t.Errorf("%d were refused for their origin, want 2", got)
		}
		// The server's own page, behind a proxy or not, publishes, too.
		p.visit(s.url)
		if got := p.ask(fetch(`credentials: "same-origin"`)); got != "204" {
			t.Errorf("the server's own page: %s", got)
		}
		s.publish("mail/anna", "for Anna")
		read := fmt.Sprintf(`new Promise(resolve => {
			const stream = new EventSource(%q, {withCredentials: true});
			stream.onmessage = evt => { if (evt.data === "for Anna") { stream.close(); resolve(evt.data) } };
			stream.onerror = () => { if (stream.readyState === EventSource.CLOSED) resolve("closed") };
		})`, address+"&lastEventId=0")
		for origin, want := range map[string]string{named: "for Anna", other: "closed"} {
			p.visit(origin)
			if got := p.ask(read); got != want {
				t.Errorf("a page of %s (named: %s) reads %q", origin, named, got)
			}
		}
	})
}
