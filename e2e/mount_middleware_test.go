package e2e

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

// named returns a framework's middleware of a name.
func (f framework) named(t *testing.T, name string) []middleware {
	t.Helper()
	i := slices.IndexFunc(f.middleware, func(m middleware) bool { return m.name == name })
	if i < 0 {
		t.Fatalf("%s has no %s", f.name, name)
	}
	return f.middleware[i : i+1]
}

// Who logs when the handler returns logs at once over HTTP/1, and at the stream's end over HTTP/2.
func TestRequestLogOfAMountedBrokerHasALineWhenItsHandlerReturns(t *testing.T) {
	t.Parallel()
	for _, f := range goFrameworks {
		for _, p := range protocols {
			t.Run(f.name+"/"+p.name, func(t *testing.T) {
				t.Parallel()
				a := mount(t, f, p, f.named(t, "log"))
				logged := func() bool { return strings.Contains(a.requests.String(), "/decided") }
				s := subscribeWith(t, a.client, a.url+"/decided", "")
				a.waitForClients(t, 1)
				a.publish(t, "one")
				s.next()
				if p.major == 2 && logged() {
					t.Errorf("it says already %q", a.requests.String())
				}
				if p.major == 2 {
					s.close()
					a.waitForEnded(t, 1)
				}
				testkit.Eventually(t, func() error {
					if !logged() {
						return errors.New("there is no line")
					}
					return nil
				})
				if p.major == 1 && a.ended.Load() > 0 {
					t.Error("Ended was called before the stream's end")
				}
			})
		}
	}
}

// The middleware's word is what counts, and it is there once.
func TestMountedBrokerLeavesOriginsToTheMiddleware(t *testing.T) {
	t.Parallel()
	for _, f := range goFrameworks {
		for _, p := range protocols {
			t.Run(f.name+"/"+p.name, func(t *testing.T) {
				t.Parallel()
				a := mount(t, f, p, f.named(t, "cors"))
				for _, origin := range []string{allowedOrigin, "https://other.example"} {
					ctx := limited(t)
					request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.url+"/events", nil)
					if err != nil {
						t.Fatal(err)
					}
					request.Header.Set("Origin", origin)
					response, err := a.client.Do(request)
					if err != nil {
						t.Fatal(err)
					}
					response.Body.Close()
					origins := response.Header.Values("Access-Control-Allow-Origin")
					credentials := response.Header.Values("Access-Control-Allow-Credentials")
					switch {
					case origin != allowedOrigin && len(origins) > 0:
						t.Errorf("%s may read: %v", origin, response.Header)
					case origin == allowedOrigin && (response.StatusCode != http.StatusOK ||
						!slices.Equal(origins, []string{origin}) || !slices.Equal(credentials, []string{"true"})):
						t.Errorf("%s may not read, or is told so more than once: %s, %v", origin, response.Status, response.Header)
					}
				}
			})
		}
	}
}

// A middleware that limits the time of a request by its context ends a stream over HTTP/2 as it should end, and
// over HTTP/1, where the handler has returned, does not end it at all.
func TestMiddlewaresTimeoutEndsAMountedStreamCleanly(t *testing.T) {
	t.Parallel()
	for _, p := range protocols {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			const short = 100 * time.Millisecond
			a := mount(t, chiFramework, p, []middleware{{use: func(*mountedApp) any { return chiTimeout(short) }}})
			a.publish(t, "one")
			s := subscribeWith(t, a.client, a.url+"/decided", "0")
			s.wantData("one")
			if p.major == 1 {
				a.waitForClients(t, 1)
				time.Sleep(2 * short) // Nothing tells that something does not happen.
				a.publish(t, "two")
				s.wantData("two")
				return
			}
			if err := s.end(); err != io.EOF {
				t.Errorf("the stream ended with %v", err)
			}
			a.waitForEnded(t, 1)
		})
	}
}
