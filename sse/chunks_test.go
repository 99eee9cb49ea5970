package sse

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"example.com/sse/internal/testkit"
)

// rawBody reads what comes after the header of a response, as it is on the wire.
func rawBody(t *testing.T, conn net.Conn) string {
	t.Helper()
	all, _ := io.ReadAll(conn)
	header, body, ok := strings.Cut(string(all), "\r\n\r\n")
	if !ok || !strings.Contains(header, "\r\nTransfer-Encoding: chunked") {
		t.Errorf("the header is %q", header)
	}
	return body
}

func TestRangeIsOneChunkAndACleanEndTheLastOne(t *testing.T) {
	large := strings.Repeat("x", maxWithHead)
	for _, test := range []struct{ lastID, want string }{
		{"3", "c\r\nretry: 1234\n\r\n0\r\n\r\n"},
		{"2", "1b\r\nretry: 1234\nid: 3\ndata: 3\n\n\r\n0\r\n\r\n"}, // what it has missed comes with the header
		{"1", "100c\r\nretry: 1234\nid: 2\ndata: " + large[:len(large)-len("id: 2\ndata: ")] +
			"\r\n1d\r\n" + large[:len("id: 2\ndata: ")] + "\n\nid: 3\ndata: 3\n\n\r\n0\r\n\r\n"},
	} {
		b, server := newServer(t)
		for _, e := range []Event{{ID: 2, Data: []byte(large)}, {ID: 3, Data: []byte("3")}} {
			if err := b.Publish(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
		conn := dial(t, server)
		fmt.Fprintf(conn, "GET /events HTTP/1.1\r\nHost: test\r\nLast-Event-ID: %s\r\n\r\n", test.lastID)
		eventually(t, "registered", func() bool { return b.Stats().Clients == 1 })
		shutdown(t, b)
		body := rawBody(t, conn)
		// The reconnection time has four digits always.
		if i := strings.Index(body, "retry: "); i >= 0 {
			body = body[:i] + "retry: 1234" + body[min(len(body), i+len("retry: 1234")):]
		}
		if body != test.want {
			t.Errorf("after %s comes %.100q, want %.100q", test.lastID, body, test.want)
		}
	}
}

func TestNoLastChunkComesAfterACut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, l := newPipeServer(t)
		conn := request(l, "")
		read := make(chan string)
		go func() { read <- rawBody(t, conn) }()
		synctest.Wait()
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		left := make(chan int, 1)
		b.abortRequests <- left // as Shutdown does, but before it has ended the streams
		<-left
		b.Shutdown(ended)
		if body := <-read; strings.Contains(body, "\r\n0\r\n") {
			t.Errorf("a stream that was cut off is %q", body)
		}
	})
}

// A transparent is a middleware's writer that tells what lies below it.
type transparent struct{ http.ResponseWriter }

func (w transparent) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func TestRefusalNamesTheWriterThatIsInTheWay(t *testing.T) {
	b := NewBroker()
	defer shutdown(t, b)
	for want, w := range map[string]func(http.ResponseWriter) http.ResponseWriter{
		"sse.noFlusher": func(w http.ResponseWriter) http.ResponseWriter { return transparent{transparent{noFlusher{w}}} },
		"sse.flusher":   func(w http.ResponseWriter) http.ResponseWriter { return transparent{flusher{w, w.(http.Flusher)}} },
	} {
		server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { b.Serve(w(rw), r, Stream{}) }))
		response, err := testkit.Client.Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		line, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != http.StatusHTTPVersionNotSupported || !strings.HasPrefix(string(line), "Streaming unsupported! A "+want+" can ") ||
			response.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("behind a %s: %s %q", want, response.Status, line)
		}
		server.Close()
	}
	timeout := httptest.NewServer(http.TimeoutHandler(b.Handler(), testkit.Limit, ""))
	defer timeout.Close()
	if s := open(t, timeout.URL); s.response.StatusCode != http.StatusHTTPVersionNotSupported {
		t.Errorf("behind http.TimeoutHandler: %s", s.response.Status)
	} else if line, _ := s.Line(); !strings.Contains(line, "*http.timeoutWriter") {
		t.Errorf("behind http.TimeoutHandler: %q", line)
	}
}

func FuzzLastEventID(f *testing.F) {
	for _, value := range []string{"", "1", "-1", "+1", " 1", "1 ", "01", "0x1", "1_0", "99999999999999999999", "-99999999999999999999", "1;2", "a", "%31", "١"} {
		f.Add(value, "lastEventId="+value)
		f.Add("", "lastEventId="+value)
		f.Add("", "a=b&lastEventId="+value+"&lastEventId=7")
	}
	f.Fuzz(func(t *testing.T, header, query string) {
		r := httptest.NewRequest(http.MethodGet, "/events", nil)
		r.URL.RawQuery = query
		r.Header.Set("Last-Event-ID", header)
		value := header
		if value == "" {
			value = r.URL.Query().Get("lastEventId")
		}
		digits := strings.TrimLeft(strings.TrimLeft(value, "+-"), "0123456789")
		isNumber := value != "" && digits == "" && strings.ContainsAny(value, "0123456789") && strings.LastIndexAny(value, "+-") <= 0
		from, err := beginningOf(r.Header, r.URL.Query(), -1)
		if from.resumes() != (value != "") || err != nil && !r.URL.Query().Has("last") {
			t.Errorf("%q, %q: %+v, %v", header, query, from, err)
		}
		if from == nil {
			return
		}
		if ok := from.id != unplaceable; ok && !isNumber {
			t.Errorf("%q, %q: a number is %v", header, query, ok)
		}
		var back int64
		if n, err := fmt.Sscanf(value, "%d", &back); isNumber && n == 1 && err == nil && back != from.id {
			t.Errorf("%q, %q: %d", header, query, from.id)
		}
	})
}
