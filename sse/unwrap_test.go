package sse

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.com/sse/internal/testkit"
)

// An unwrapper is a middleware's writer that can do nothing itself, but tells what lies below it.
type unwrapper struct{ http.ResponseWriter }

func (u unwrapper) Unwrap() http.ResponseWriter { return u.ResponseWriter }

// A presumer is a writer that presumes that the one below can be hijacked, as gin's does: it takes the answer
// for written first, and panics where it can't.
type presumer struct {
	unwrapper
	asked *bool
}

func (p presumer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	*p.asked = true
	return p.ResponseWriter.(http.Hijacker).Hijack()
}

func (p presumer) WriteHeader(status int) {
	if !*p.asked {
		p.ResponseWriter.WriteHeader(status)
	}
}

func TestConnectionIsTakenFromTheWriterThatGivesIt(t *testing.T) {
	for name, test := range map[string]struct {
		below  func(http.ResponseWriter) http.ResponseWriter
		status int
	}{
		"below":  {func(w http.ResponseWriter) http.ResponseWriter { return unwrapper{w} }, http.StatusOK},
		"itself": {func(w http.ResponseWriter) http.ResponseWriter { return w }, http.StatusOK},
		"nobody": {func(w http.ResponseWriter) http.ResponseWriter { return noFlusher{w} }, http.StatusHTTPVersionNotSupported},
	} {
		t.Run(name, func(t *testing.T) {
			b := NewBroker()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				b.Serve(presumer{unwrapper{test.below(w)}, new(bool)}, r, Stream{})
			}))
			defer server.Close()
			response, err := testkit.StreamClient(&http.Transport{}).Get(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			shutdown(t, b)
			body, err := io.ReadAll(response.Body)
			if response.StatusCode != test.status || err != nil {
				t.Errorf("got %s, %q, %v", response.Status, body, err)
			}
			if refused := test.status != http.StatusOK; refused && !strings.Contains(string(body), "sse.noFlusher") {
				t.Errorf("the answer %q does not name the writer", body)
			}
		})
	}
}
