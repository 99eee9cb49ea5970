package e2e

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"example.com/sse/internal/testkit"
)

func TestGarbageIsRefusedWithoutHarm(t *testing.T) {
	t.Parallel()
	s := start(t, "-interval", "100ms")
	fs := followers(t, 5, s.url+"/events")
	noise := make([]byte, 4<<10)
	for i := range noise {
		noise[i] = byte(rand.Int())
	}
	for what, test := range map[string]struct {
		request string
		status  int // 0: none at all is as good as 400
	}{
		"noise":                     {string(noise), 0},
		"zeros":                     {strings.Repeat("\x00", 100) + "\r\n\r\n", 0},
		"a TLS hello":               {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("x", 508), 0},
		"no version":                {"GET /events\r\n\r\n", 400},
		"a version yet to come":     {"GET /events HTTP/7.3\r\nHost: x\r\n\r\n", 505},
		"HTTP/2 without TLS":        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0},
		"no host":                   {"GET /events HTTP/1.1\r\n\r\n", 400},
		"two hosts":                 {"GET /events HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400},
		"a space in a header":       {"GET /events HTTP/1.1\r\nHost: x\r\nLast Event ID: 1\r\n\r\n", 400},
		"a negative length":         {"GET /events HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400},
		"a bad escape":              {"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		"a megabyte of headers":     {"GET /events HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X-Much: "+strings.Repeat("m", 1000)+"\r\n", 1000) + "\r\n", 431},
		"a header of a megabyte":    {"GET /events HTTP/1.1\r\nHost: x\r\nLast-Event-ID: " + strings.Repeat("1", 1<<20) + "\r\n\r\n", 431},
		"an unknown path":           {"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", 404},
		"a path out of the tree":    {"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 404},
		"a last event ID of noise":  {"GET /events HTTP/1.1\r\nHost: x\r\nLast-Event-ID: \xff\xfe, 1\r\n\r\n", 200},
		"a bad query":               {"GET /events?lastEventId=%zz&;=% HTTP/1.1\r\nHost: x\r\n\r\n", 200},
		"an unknown method":         {"BREW /events HTTP/1.1\r\nHost: x\r\n\r\n", 405},
		"an unknown page's method":  {"BREW / HTTP/1.1\r\nHost: x\r\n\r\n", 405},
		"a tunnel through it":       {"CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n", 0},
		"expecting the impossible":  {"GET / HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\n\r\n", 417},
		"an unknown coding of body": {"POST /events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: rot13\r\n\r\n", 501},
	} {
		resp, err := send(t, s, test.request)
		if test.status == 0 {
			if err == nil && (resp.StatusCode < 400 || resp.StatusCode >= 500 && resp.StatusCode != 505) {
				t.Errorf("%s: %s", what, resp.Status)
			}
			continue
		}
		if err != nil || resp.StatusCode != test.status {
			t.Errorf("%s: %v, %v, want %d", what, resp, err, test.status)
		}
	}
	checkWhole(t, fs, retained(t, s))
	checkStreamsStayedOpen(t, fs)
}

func TestMethods(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, path := range []string{"/events", "/", "/healthz", "/stats"} {
		for _, method := range []string{"POST", "PUT", "DELETE", "PATCH"} {
			resp, err := send(t, s, method+" "+path+" HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody")
			if err != nil || resp.StatusCode != http.StatusMethodNotAllowed || !strings.Contains(resp.Header.Get("Allow"), "GET") {
				t.Errorf("%s %s: %v, %v", method, path, resp, err)
			}
		}
		resp, err := send(t, s, "HEAD "+path+" HTTP/1.1\r\nHost: x\r\n\r\n")
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("HEAD %s: %v, %v", path, resp, err)
		}
	}

	resp, err := send(t, s, "HEAD /events HTTP/1.1\r\nHost: x\r\n\r\n")
	if err != nil || resp.Header.Get("Content-Type") != "text/event-stream; charset=utf-8" {
		t.Errorf("HEAD /events: %v, %v", resp, err)
	}

	// What a browser asks before it sends Last-Event-ID to another origin.
	resp, err = send(t, s, "OPTIONS /events HTTP/1.1\r\nHost: x\r\nOrigin: http://elsewhere.example\r\n"+
		"Access-Control-Request-Method: GET\r\nAccess-Control-Request-Headers: last-event-id\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	headers := strings.ToLower(resp.Header.Get("Access-Control-Allow-Headers"))
	if resp.StatusCode != http.StatusNoContent || resp.Header.Get("Access-Control-Allow-Origin") != "*" ||
		!strings.Contains(headers, "last-event-id") || !strings.Contains(resp.Header.Get("Access-Control-Allow-Methods"), "GET") {
		t.Errorf("OPTIONS /events: %v", resp)
	}
	if figures := s.stats(); figures.ClientsTotal != 0 {
		t.Errorf("something was registered: %+v", figures)
	}
}

func TestBodyOnGetIsIgnored(t *testing.T) {
	t.Parallel()
	s := start(t, "-interval", "100ms")
	for header, body := range map[string]string{
		"Content-Length: 4":          "body",
		"Transfer-Encoding: chunked": "4\r\nbody\r\n0\r\n\r\n",
	} {
		header = "GET /events HTTP/1.1\r\nHost: x\r\n" + header + "\r\n\r\n"
		checkStream(t, s, header+body, "")
		checkStream(t, s, header, body)
	}
}

func TestPipelinedRequests(t *testing.T) {
	t.Parallel()
	s := start(t, "-interval", "100ms")
	const health, events = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "GET /events HTTP/1.1\r\nHost: x\r\n\r\n"
	// What is asked after the stream has no answer: the connection is the stream's.
	checkStream(t, s, health+health+events+health+events, health, 200, 200)
}

// checkStream sends a request and expects answers with these status codes, and then a stream
// that goes on when more is sent.
func checkStream(t *testing.T, s *server, request, more string, before ...int) {
	t.Helper()
	conn := dial(t, s)
	io.WriteString(conn, request)
	r := bufio.NewReader(conn)
	for _, want := range append(before, http.StatusOK) {
		resp, err := http.ReadResponse(r, nil)
		if err != nil || resp.StatusCode != want {
			t.Fatalf("%q: %v, %v", request, resp, err)
		}
		if resp.ContentLength >= 0 {
			io.Copy(io.Discard, resp.Body)
			continue
		}
		p := testkit.NewParser(resp.Body)
		for i := range 5 {
			if _, err := p.Next(); err != nil {
				t.Errorf("%q, later %q: %v", request, more, err)
				return
			}
			if i == 0 {
				io.WriteString(conn, more)
			}
		}
	}
}

// send sends the bytes of a request, and returns the answer without its body.
func send(t *testing.T, s *server, request string) (*http.Response, error) {
	t.Helper()
	conn := dial(t, s)
	defer conn.Close()
	go io.WriteString(conn, request) // It may be refused before it is sent.
	method, _, _ := strings.Cut(request, " ")
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	return resp, nil
}
