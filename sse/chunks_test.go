package sse

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
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

// A part that was made into a chunk is not made into one again for the next client, but any other part is.
func TestChunkIsMadeOnceForClientsThatGetTheSame(t *testing.T) {
	var f frame
	part := bytes.Repeat([]byte("x"), 100)
	first := f.around(part)
	if allocations := testing.AllocsPerRun(10, func() { f.around(part) }); allocations > 0 {
		t.Errorf("%v allocations for the same part", allocations)
	}
	part[0] = 'y' // which nobody does: so it shows whether it was copied again
	if again := f.around(part); again[len("64\r\n")] != 'x' || &again[0] != &first[0] {
		t.Error("the chunk is made again")
	}
	for _, other := range [][]byte{part[:99], part[1:], bytes.Clone(part)} {
		if got, want := f.around(other), fmt.Sprintf("%x\r\n%s\r\n", len(other), other); string(got) != want {
			t.Errorf("the chunk of %q is %q", other, got)
		}
	}
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

func FuzzChunksSurviveAnyReader(f *testing.F) {
	f.Add([]byte("id: 1\ndata: \n\n"), 1)
	f.Add([]byte("0\r\n\r\n"), 3)
	f.Add(bytes.Repeat([]byte("\r\n"), 100), 16)
	f.Fuzz(func(t *testing.T, data []byte, size int) {
		if size < 1 {
			return
		}
		var wire []byte
		for rest := data; len(rest) > 0; {
			n := min(size, len(rest))
			wire = appendChunk(wire, rest[:n])
			rest = rest[n:]
		}
		wire = append(wire, lastChunk...)
		r := strings.NewReader(string(wire) + "after")
		got, err := io.ReadAll(httputil.NewChunkedReader(r))
		if !bytes.Equal(got, data) || err != nil {
			t.Errorf("%q is read as %q, %v", wire, got, err)
		}
	})
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
