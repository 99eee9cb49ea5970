package e2e

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
	"example.com/sse/sse"
)

// eachGuard runs a test for each guard over each protocol.
func eachGuard(t *testing.T, life time.Duration, test func(t *testing.T, g guard, a *guardedApp)) {
	t.Parallel()
	for _, g := range guards {
		for _, p := range protocols {
			t.Run(g.name+"/"+p.name, func(t *testing.T) {
				t.Parallel()
				test(t, g, startGuarded(t, g, p, life))
			})
		}
	}
}

// request returns a request for a path, with credentials.
func (a *guardedApp) request(t *testing.T, method, path string, credentials http.Header) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, a.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(r.Header, credentials)
	return r
}

// wantStatus asks for a path, and checks the answer's status.
func (a *guardedApp) wantStatus(t *testing.T, want int, method, path string, credentials http.Header) {
	t.Helper()
	resp, err := a.client.Do(a.request(t, method, path, credentials).WithContext(limited(t)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != want {
		t.Errorf("%s %s with %v: %s, want %d", method, path, credentials, resp.Status, want)
	}
}

// follow opens a stream with credentials, after an event's ID or, with "", live. While it is refused, it tries again with new
// credentials: on a busy machine they may expire before they are used.
func (a *guardedApp) follow(t *testing.T, g guard, user, path, lastID string) *stream {
	t.Helper()
	var s *stream
	testkit.Eventually(t, func() error {
		r := a.request(t, http.MethodGet, path, g.credentials(t, a, user))
		if lastID != "" {
			r.Header.Set("Last-Event-ID", lastID)
		}
		resp, cancel, err := openWith(a.client, r)
		if err == nil {
			s = newStream(t, resp, cancel)
		}
		return err
	})
	return s
}

// publishAll publishes an event to each topic, with IDs from one on. The topic is the event's data.
func (a *guardedApp) publishAll(t *testing.T, first int64) {
	t.Helper()
	for i, topic := range []string{"mail/anna", "mail/bert", "audit", "", "news"} {
		if err := a.broker.Publish(t.Context(), sse.Event{ID: first + int64(i), Topic: topic, Data: []byte(topic)}); err != nil {
			t.Fatal(err)
		}
	}
}

// wantTopics checks the topics of the next events, and that these have the IDs that publishAll gave them.
func (s *stream) wantTopics(first int64, ids ...int64) {
	s.t.Helper()
	for _, id := range ids {
		if got, topic := s.next(); got != first+id {
			s.t.Fatalf("got event %d of topic %q, want event %d", got, topic, first+id)
		}
	}
}

func TestGuardedAppAnswersNobodyWithoutCredentials(t *testing.T) {
	eachGuard(t, time.Hour, func(t *testing.T, g guard, a *guardedApp) {
		token := "token=" + guardToken(guardSecret, guardIssuer, "anna", 3600)
		for _, path := range []string{"/events", "/audit", "/events?topic=news", "/events?" + token, "/audit?" + token, "/events?session=made-up"} {
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				a.wantStatus(t, http.StatusUnauthorized, method, path, nil)
			}
			for _, bad := range g.bad {
				a.wantStatus(t, http.StatusUnauthorized, http.MethodGet, path, bad)
			}
		}
		if n := a.broker.Stats().ClientsTotal; n != 0 {
			t.Errorf("%d clients were registered", n)
		}
	})
}

func TestGuardedAppGivesEachUserTheOwnTopicsWhateverTheURLSays(t *testing.T) {
	eachGuard(t, time.Hour, func(t *testing.T, g guard, a *guardedApp) {
		a.publishAll(t, 1)
		for _, path := range []string{"/events", "/events?topic=mail/anna&topic=audit&topic=", "/events?topic=mail%2Fanna", "/events?user=anna&token=x"} {
			bert := a.follow(t, g, "bert", path, "0")
			bert.wantTopics(1, 1, 4)
			defer bert.wantTopics(11, 1, 4)
		}
		a.follow(t, g, "anna", "/events?topic=mail/bert", "0").wantTopics(1, 0, 2, 4)
		a.follow(t, g, "anna", "/audit", "0").wantTopics(1, 2)
		a.wantStatus(t, http.StatusForbidden, http.MethodGet, "/audit", g.credentials(t, a, "bert"))
		a.wantStatus(t, http.StatusForbidden, http.MethodGet, "/audit?topic=news", g.credentials(t, a, "bert"))
		a.publishAll(t, 11) // and live
	})
}

func TestGuardedStreamEndsWithItsLoginAndResumesWithANewOne(t *testing.T) {
	eachGuard(t, 2*time.Second, func(t *testing.T, g guard, a *guardedApp) {
		a.publishAll(t, 1)
		old := g.credentials(t, a, "bert")
		s := a.follow(t, g, "bert", "/events", "0")
		s.wantTopics(1, 1, 4)
		if err := s.end(); err != io.EOF {
			t.Errorf("the stream ends with %v", err)
		}
		a.publishAll(t, 11) // while nobody is there
		if !g.lasts {
			testkit.Eventually(t, func() error { // The session's timer may be a moment later than the stream's.
				if resp, cancel, err := openWith(a.client, a.request(t, http.MethodGet, "/events", old)); err == nil {
					defer cancel()
					defer resp.Body.Close()
					return fmt.Errorf("who was logged in for %v still gets a stream", a.life)
				}
				return nil
			})
		}
		s = a.follow(t, g, "bert", "/events", "5")
		s.wantTopics(11, 1, 4)
		if err := s.end(); err != io.EOF {
			t.Errorf("the stream ends with %v", err)
		}
	})
}

// Whoever gives somebody else the ID of a session must not be logged in as them later.
func TestGuardedAppLogsInWithASessionOfANewID(t *testing.T) {
	t.Parallel()
	for _, g := range guards {
		if g.name != "session" {
			continue
		}
		a := startGuarded(t, g, protocols[0], time.Hour)
		a.wantStatus(t, http.StatusUnauthorized, http.MethodGet, "/events", header("Cookie", "session=planted"))
		if cookie := a.logIn(t, "anna", "planted"); cookie.Value == "planted" || cookie.Value == "" {
			t.Errorf("anna's session is %q", cookie.Value)
		}
		a.wantStatus(t, http.StatusUnauthorized, http.MethodGet, "/events", header("Cookie", "session=planted"))
	}
}

// curl does as anybody does who tries it out.
func TestCurlIsGuardedOverHTTP1AndHTTP2(t *testing.T) {
	t.Parallel()
	need(t, "curl", "apt-get install curl")
	for _, g := range guards {
		for _, p := range protocols {
			t.Run(g.name+"/"+p.name, func(t *testing.T) {
				t.Parallel()
				a := startGuarded(t, g, p, time.Hour)
				a.publishAll(t, 1)
				args := []string{map[string]string{"HTTPS": "--http1.1", "HTTPS2": "--http2", "H2C": "--http2-prior-knowledge", "HTTP": "--http1.1"}[p.name]}
				status := func(path string, credentials http.Header) string {
					all := append(args, a.url+path)
					for name := range credentials {
						all = append(all, "--header", name+": "+credentials.Get(name))
					}
					version, code, _ := strings.Cut(curlStatus(t, all...), " ")
					if !strings.HasPrefix(version, fmt.Sprint(p.major)) {
						t.Errorf("curl speaks HTTP/%s", version)
					}
					return code
				}
				bert := g.credentials(t, a, "bert")
				for path, want := range map[string]string{"/events": "401", "/events?token=" + guardToken(guardSecret, guardIssuer, "anna", 3600): "401"} {
					if got := status(path, nil); got != want {
						t.Errorf("%s: %s, want %s", path, got, want)
					}
				}
				if got := status("/audit", bert); got != "403" {
					t.Errorf("/audit as Bert: %s, want 403", got)
				}
				for name := range bert {
					args = append(args, "--header", name+": "+bert.Get(name))
				}
				parser := curlStream(t, append(args, a.url+"/events?topic=mail/anna&lastEventId=0")...)
				for _, want := range []string{"mail/bert", "news"} {
					if e, err := parser.Next(); err != nil || e.Data != want {
						t.Errorf("curl got %+v, %v, want %q", e, err, want)
					}
				}
			})
		}
	}
}
