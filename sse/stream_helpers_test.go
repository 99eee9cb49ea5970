package sse

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

// A stream is a test's connection to a broker.
type stream struct {
	*testkit.Parser
	response *http.Response
}

// newParser returns a parser that accepts every stream of a broker's: its source may restart the
// numbering.
func newParser(r io.Reader) *testkit.Parser {
	p := testkit.NewParser(r)
	p.AnyID = true
	return p
}

// A client is registered before its header is sent: what is published once open has returned
// comes to it.

// open connects with a client of its own, for testkit.Limit at most. The header is either pairs
// of names and values or a query alone.
func open(t *testing.T, url string, header ...string) stream {
	t.Helper()
	return openWith(t, testkit.StreamClient(&http.Transport{DisableKeepAlives: true}), url, header...)
}

// openWith connects with the given client, for testkit.Limit at most.
func openWith(t *testing.T, client *http.Client, url string, header ...string) stream {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Limit)
	t.Cleanup(cancel)
	s, err := connect(ctx, client, url, header...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.response.Body.Close() })
	return s
}

// connect is openWith for other goroutines than the test's. The stream ends with ctx.
func connect(ctx context.Context, client *http.Client, url string, header ...string) (stream, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/events", nil)
	if err != nil {
		return stream{}, err
	}
	if len(header) == 1 {
		request.URL.RawQuery = header[0]
	} else {
		for i := 0; i < len(header); i += 2 {
			request.Header.Set(header[i], header[i+1])
		}
	}
	response, err := client.Do(request)
	if err != nil {
		return stream{}, err
	}
	return stream{newParser(response.Body), response}, nil
}

// want reads one event and checks it; an ID of 0 stands for any.
func (s stream) want(t *testing.T, id int64, data string) testkit.Event {
	t.Helper()
	e, err := s.Next()
	if err != nil || id != 0 && e.ID != id || e.Data != data {
		t.Fatalf("got event %d %.40q, error %v; want %d %.40q", e.ID, e.Data, err, id, data)
	}
	return e
}

// wantEnd checks that the stream ends cleanly, after events that do not matter.
func (s stream) wantEnd(t *testing.T) {
	t.Helper()
	for {
		if _, err := s.Next(); err != nil {
			if !errors.Is(err, io.EOF) {
				t.Errorf("the stream ends with %v", err)
			}
			return
		}
	}
}

// dial opens a connection, for testkit.Limit at most.
func dial(t *testing.T, server *httptest.Server) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(testkit.Limit))
	return conn
}

// readResponse reads a connection's response, whose body is a stream.
func readResponse(t *testing.T, conn net.Conn) stream {
	t.Helper()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	return stream{newParser(response.Body), response}
}

// dialStalled sends a request over a connection with a small buffer and does not read.
func dialStalled(t *testing.T, server *httptest.Server) net.Conn {
	t.Helper()
	conn := dial(t, server)
	conn.(*net.TCPConn).SetReadBuffer(16 << 10)
	fmt.Fprint(conn, "GET /events HTTP/1.1\r\nHost: test\r\n\r\n")
	return conn
}
