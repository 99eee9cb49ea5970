package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

// A portal is what stands before a server, as an app does at which one logs in: at /login it gives browsers a cookie that
// no script can read, and everything else comes from the server.
type portal struct {
	url    string
	cookie string // its name, of the test's own: the tests share browsers
}

func newPortal(t *testing.T) (*portal, func(*server)) {
	t.Helper()
	p := new(portal)
	var behind http.Handler
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/login" {
			behind.ServeHTTP(w, r)
			return
		}
		http.SetCookie(w, &http.Cookie{Name: p.cookie, Value: r.FormValue("token"), Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, "<!doctype html><link rel=icon href=data:,><title>portal</title>")
	}))
	t.Cleanup(front.Close)
	t.Cleanup(front.CloseClientConnections)
	p.url = front.URL
	_, port, err := net.SplitHostPort(strings.TrimPrefix(front.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	p.cookie = "sse" + port
	return p, func(s *server) {
		behind = proxyTo(t, s.url)
	}
}

// login returns the address at which a browser gets a token.
func (p *portal) login(token string) string { return p.url + "/login?token=" + url.QueryEscape(token) }

func TestEveryEngineShowsAPrivateTopicByACookie(t *testing.T) {
	inAllEngines(t, func(t *testing.T, open func(int) *page) {
		keys := newSigner(t)
		portal, before := newPortal(t)
		s := start(t, "-interval", never.String(), "-publish-token-file", tokenFile(t), "-jwt-key-file", keys.file, "-jwt-cookie", portal.cookie)
		before(s)
		p := open(0)
		p.provoked = "/events" // A refusal is an error on the console.
		address := portal.url + "/?topic=mail/anna&topic="
		publish := func(want string) {
			t.Helper()
			for _, topic := range []string{"mail/bert", "mail/anna", ""} {
				s.publish(topic, topic+" "+want)
			}
		}
		wantLast := func(want ...string) {
			t.Helper()
			testkit.Eventually(t, func() error {
				var got []string
				for _, row := range p.rows() {
					got = append(got, row.message)
				}
				if !slices.Equal(got, want) {
					return fmt.Errorf("the rows are %q, want %q", got, want)
				}
				return nil
			})
		}
		p.visit(address)
		p.waitForHeader("Refused: a token is needed")
		p.visit(portal.login(keys.reader("mail/bert")))
		p.visit(address)
		p.waitForHeader("Refused: the token may not subscribe to each topic that the URL names")
		p.visit(portal.login(keys.token(time.Now().Add(-time.Minute), []string{"mail/anna"}, nil)))
		p.visit(address)
		p.waitForHeader("Refused: the token has expired")

		// The stream ends with its token, and the page goes on with the next. On a busy machine a token may end too soon.
		total := int64(0)
		for ttl, header := 8*time.Second, ""; header != waiting; ttl *= 2 {
			total = s.stats().ClientsTotal
			p.visit(portal.login(keys.token(time.Now().Add(ttl), []string{"mail/anna"}, nil)))
			p.visit(address)
			testkit.Eventually(t, func() error {
				if s.stats().ClientsTotal == total && !strings.HasPrefix(p.header(), "Refused: ") {
					return fmt.Errorf("the header says %q", p.header())
				}
				return nil
			})
			p.evaluate(fmt.Sprintf("void fetch(%q).then(() => { window.renewed = true })", portal.login(keys.reader("mail/anna"))), new(any))
			p.waitFor("window.renewed", true)
			header = p.header()
		}
		publish("one")
		wantLast("mail/anna one", " one")
		if got := eval[string](p, "document.cookie"); strings.Contains(got, portal.cookie) {
			t.Errorf("a script can read the token: %q", got)
		}
		testkit.Eventually(t, func() error {
			if stats := s.stats(); stats.ClientsTotal != total+2 || stats.Clients != 1 {
				return fmt.Errorf("the stream was not opened again: %+v", stats)
			}
			return nil
		})
		publish("two")
		wantLast("mail/anna one", " one", "mail/anna two", " two")

		// Whose token has ended and is not renewed is told so.
		keys.write(newSigner(t).key)
		p.waitForHeader("Refused: the token is signed by none of the keys")
		s.waitForClients(0)
		keys.write(keys.key)
		keys.waitUntilTaken(s)
		p.hide()
		p.show()
		s.waitForClients(1)
		publish("three")
		wantLast("mail/anna one", " one", "mail/anna two", " two", "mail/anna three", " three")
		if printed := s.output(); strings.Contains(printed, "eyJ") || strings.Contains(printed, "mail/") {
			t.Errorf("the log tells of tokens or topics: %s", printed)
		}
	})
}

// What a browser is refused for, the page says in the server's words, also on the default topic where that is closed.
func TestPageSaysWhyATokenWillNotDo(t *testing.T) {
	t.Parallel()
	portal, before := newPortal(t)
	s := start(t, "-interval", never.String(), "-publish-token-file", tokenFile(t), "-jwt-key-file", secretFile(t),
		"-jwt-cookie", portal.cookie, "-jwt-default-topic", "-jwt-audience", "us", "-jwt-issuer", "me")
	before(s)
	tb := newWindow(t)
	tb.provoked = "/events" // A refusal is an error on the console.
	tb.visit(portal.url)
	tb.waitForHeader("Refused: a token is needed")
	good := fmt.Sprintf(`{"exp":%d,"aud":"us","iss":"me","sse":{"subscribe":["mail/anna",""]}}`, time.Now().Unix()+3600)
	for name, try := range map[string]struct{ claims, says string }{
		"another audience": {strings.Replace(good, `"us"`, `"others"`, 1), "the token is for another audience"},
		"another issuer":   {strings.Replace(good, `"me"`, `"others"`, 1), "the token is another issuer's"},
		"no right":         {strings.Replace(good, `,""`, "", 1), "the token may not subscribe to each topic that the URL names"},
	} {
		tb.visit(portal.login(signed(`{"alg":"HS256"}`, try.claims, swordfish)))
		tb.visit(portal.url)
		if tb.waitForHeader("Refused: " + try.says); t.Failed() {
			t.Fatal(name)
		}
	}
	tb.visit(portal.login(signed(`{"alg":"HS256"}`, good, swordfish)))
	tb.visit(portal.url)
	s.waitForClients(1)
	s.publish("", "to all who may")
	if got := tb.waitForRows(1)[0].message; got != "to all who may" {
		t.Errorf("the page shows %q", got)
	}
	if first, _, _ := strings.Cut(s.output(), "\n"); !strings.HasSuffix(first, "(all topics need a token)") {
		t.Errorf("the first line is %q", first)
	}
}

// Each bad token of curl's is tried as a cookie, too.
func TestPageSaysWhyEachBadTokenWillNotDo(t *testing.T) {
	t.Parallel()
	need(t, "openssl", "apt-get install openssl")
	private, public := keyPair(t, "ed25519")
	for file, tries := range map[string][]try{secretFile(t): triesOfASecret(), public: triesOfAKey(t, private, public)} {
		portal, before := newPortal(t)
		s := start(t, "-interval", never.String(), "-jwt-key-file", file, "-jwt-cookie", portal.cookie)
		before(s)
		tb := newWindow(t)
		tb.provoked = "/events"
		tried := 0
		for _, try := range tries {
			token, bearer := "", false
			if len(try.header) == 1 {
				token, bearer = strings.CutPrefix(try.header[0], "Authorization: Bearer ")
			}
			if !bearer || len(token) > 4000 { // which is more than a browser stores
				continue
			}
			tried++
			tb.visit(portal.login(token))
			tb.visit(portal.url + "/?topic=mail/anna")
			testkit.Eventually(t, func() error {
				header, clients := tb.header(), s.stats().Clients
				if try.status == 200 && (header != waiting || clients != 1) || try.status != 200 && !strings.HasPrefix(header, "Refused: "+try.line) {
					return fmt.Errorf("%s: the header says %q, and %d streams are open", try.name, header, clients)
				}
				return nil
			})
		}
		if tried < 5 {
			t.Errorf("only %d tokens were tried", tried)
		}
	}
}
