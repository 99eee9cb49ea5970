package sse

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.com/sse/internal/testkit"

	"github.com/kataras/iris/v12"
)

// mounts are the ways to mount a Publisher at /events.
var mounts = map[string]func(*testing.T, Publisher) http.Handler{
	"net/http": func(_ *testing.T, p Publisher) http.Handler {
		mux := http.NewServeMux()
		mux.Handle("/events", p)
		return mux
	},
	"Iris": func(t *testing.T, p Publisher) http.Handler {
		t.Helper()
		app := iris.New()
		app.Any("/events", PublishHandler(p))
		if err := app.Build(); err != nil {
			t.Fatal(err)
		}
		return app
	},
}

// newPublishServer serves a Publisher in Iris, with the token "swordfish".
func newPublishServer(t *testing.T, http2 bool, publish func(context.Context, Event) error) *httptest.Server {
	t.Helper()
	return newServerOf(t, http2, mounts["Iris"](t, Publisher{Publish: publish, Token: "swordfish"}))
}

func newServerOf(t *testing.T, http2 bool, handler http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	if http2 {
		server.EnableHTTP2 = true
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	server.Client().Timeout = testkit.Limit
	return server
}

// post sends a request with headers, and returns the answer and its body.
func post(t *testing.T, server *httptest.Server, body io.Reader, header ...string) (*http.Response, string) {
	t.Helper()
	return postTo(t, server, "", body, header...)
}

// wantLine checks an answer's status, and that its body is one line of text, or none with 204.
func wantLine(t *testing.T, what string, response *http.Response, line string, status int) {
	t.Helper()
	if response.StatusCode != status {
		t.Errorf("%s: %s, want %d: %s", what, response.Status, status, line)
	}
	if status == http.StatusNoContent {
		if line != "" {
			t.Errorf("%s: the body is %q", what, line)
		}
		return
	}
	if strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") || len(line) < 2 {
		t.Errorf("%s: not one line: %q", what, line)
	}
	if got := response.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/plain") {
		t.Errorf("%s: Content-Type is %q", what, got)
	}
}

// largestBody is how many bytes of one line a request may publish, without a name.
const largestBody = 64<<10 - 1 - len("retry: 3000\nid: 1795345092524158\ndata: \n\n")

func TestPostPublishesWhatItSays(t *testing.T) {
	for _, way := range []struct{ mount, protocol string }{
		{"Iris", "HTTP/1.1"}, {"Iris", "HTTP/2.0"}, {"net/http", "HTTP/1.1"}, {"net/http", "HTTP/2.0"},
	} {
		t.Run(way.mount+" "+way.protocol, func(t *testing.T) {
			published := make(chan Event, 1)
			publish := func(_ context.Context, e Event) error {
				published <- e
				return nil
			}
			server := newServerOf(t, way.protocol == "HTTP/2.0", mounts[way.mount](t, Publisher{Publish: publish, Token: "swordfish"}))
			full := strings.Repeat("x", largestBody)
			any := make([]byte, 1<<10)
			for i := range any {
				any[i] = byte(i)
			}
			for _, test := range []struct {
				name, data, authorization string
			}{
				{"", "hello", "Bearer swordfish"},
				{"alert", "two\r\nlines\n", "bearer  swordfish"},
				{"", "", "BEARER swordfish"},
				{"any bytes", string(any), "Bearer swordfish"},
				{"", full, "Bearer swordfish"},
				{"Preis €: 你好", "not ASCII", "Bearer swordfish"},
			} {
				header := []string{"Authorization", test.authorization}
				if test.name != "" {
					header = append(header, "Sse-Event", test.name)
				}
				// A reader without a known length is sent in chunks over HTTP/1.
				for _, body := range []io.Reader{strings.NewReader(test.data), io.MultiReader(strings.NewReader(test.data))} {
					response, line := post(t, server, body, header...)
					if response.Proto != way.protocol {
						t.Errorf("the protocol is %s", response.Proto)
					}
					wantLine(t, test.name, response, line, http.StatusNoContent)
					e := testkit.Receive(t, published, "the event")
					if e.ID != 0 || e.Name != test.name || string(e.Data) != test.data {
						t.Errorf("published %d, %q, %.20q of %d bytes; want %+.80v", e.ID, e.Name, e.Data, len(e.Data), test)
					}
				}
			}
		})
	}
}

func TestPostIsRefusedAndPublishesNothing(t *testing.T) {
	failure := errors.New("NATS is away")
	for i := range 2 * len(mounts) {
		mount, http2 := []string{"Iris", "net/http"}[i/2], i%2 == 0
		publish := func(_ context.Context, e Event) error {
			switch string(e.Data) {
			case "stopped":
				return ErrStopped
			case "away":
				return failure
			}
			t.Errorf("published: %.20q", e.Data)
			return nil
		}
		server := newServerOf(t, http2, mounts[mount](t, Publisher{Publish: publish, Token: "swordfish"}))
		const right = "Bearer swordfish"
		large := strings.Repeat("x", largestBody+1)
		for _, test := range []struct {
			what, authorization, body string
			status                    int
			word                      string
		}{
			{"no token", "", "x", 401, "token"},
			{"another token", "Bearer swordfisH", "x", 401, "token"},
			{"a longer token", "Bearer swordfish1", "x", 401, "token"},
			{"a shorter token", "Bearer swordfis", "x", 401, "token"},
			{"an empty token", "Bearer ", "x", 401, "token"},
			{"no space", "Bearerswordfish", "x", 401, "token"},
			{"another scheme", "Basic swordfish", "x", 401, "token"},
			{"too large, and unauthorised", "Bearer x", large, 401, "token"},
			{"too large", right, large, 413, "at most 65535"},
			{"a body that is too large by itself", right, large + large, 413, "more than 65535"},
			{"too many lines", right, strings.Repeat("\n", 10_000), 413, "70041 bytes"},
			{"too large when it is UTF-8", right, strings.Repeat("\xffa", 16_400), 413, "at most 65535"},
			{"stopped", right, "stopped", 503, "stopped"},
			{"NATS is away", right, "away", 503, "NATS is away"},
		} {
			for _, body := range []io.Reader{strings.NewReader(test.body), io.MultiReader(strings.NewReader(test.body))} {
				response, line := post(t, server, body, "Authorization", test.authorization)
				wantLine(t, test.what, response, line, test.status)
				if !strings.Contains(line, test.word) {
					t.Errorf("%s: no %q in %q", test.what, test.word, line)
				}
				if got := response.Header.Get("WWW-Authenticate"); (got == "Bearer") != (test.status == 401) {
					t.Errorf("%s: WWW-Authenticate is %q", test.what, got)
				}
			}
		}
	}
}

func TestEmptyTokenLetsNobodyIn(t *testing.T) {
	handler := mounts["net/http"](t, Publisher{Publish: func(context.Context, Event) error {
		t.Error("published")
		return nil
	}})
	for _, authorization := range []string{"", "Bearer", "Bearer "} {
		request := httptest.NewRequest("POST", "/events", strings.NewReader("x"))
		request.Header.Set("Authorization", authorization)
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)
		if recorder.Code != 401 {
			t.Errorf("%q: %d", authorization, recorder.Code)
		}
	}
}

// What the handler publishes is on the stream, and after Shutdown nothing is.
func TestPostReachesTheStream(t *testing.T) {
	b, streams := newServer(t)
	server := newPublishServer(t, false, b.Publish)
	s := open(t, streams.URL, "Last-Event-ID", "0")
	response, line := post(t, server, strings.NewReader("hello"), "Authorization", "Bearer swordfish", "Sse-Event", "alert")
	wantLine(t, "hello", response, line, http.StatusNoContent)
	e, err := s.Next()
	if err != nil || e.Name != "alert" || string(e.Data) != "hello" {
		t.Errorf("got %+v, %v", e, err)
	}
	shutdown(t, b)
	response, line = post(t, server, strings.NewReader("late"), "Authorization", "Bearer swordfish")
	wantLine(t, "after Shutdown", response, line, http.StatusServiceUnavailable)
	s.wantEnd(t)
}
