package unread

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

func TestMain(m *testing.M) { os.Exit(testkit.Main(m, nil)) }

// refuse answers as a handler that knows nothing of this package.
func refuse(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "the token is missing or wrong", http.StatusUnauthorized)
}

// newServer serves a handler over HTTP/1 and HTTP/2.
func newServer(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(Handler(handler))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	server.Client().Timeout = testkit.Limit
	return server
}

// newPlainServer serves a handler over HTTP/1 without TLS, and returns a connection to it.
func newPlainServer(t *testing.T, handler http.HandlerFunc) net.Conn {
	t.Helper()
	server := httptest.NewServer(Handler(handler))
	t.Cleanup(server.Close)
	conn, err := net.DialTimeout("tcp", server.Listener.Addr().String(), testkit.Limit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(testkit.Limit))
	return conn
}

// A client that first reads the answer, and then sends on what it has begun to send, meets no reset:
// that is the order in which a reset would meet it for certain.
func TestAnswerIsWholeAndTheBodyMayStillCome(t *testing.T) {
	for _, header := range []string{
		"Content-Length: 60000\r\nConnection: close\r\n\r\n",
		"Content-Length: 60000\r\n\r\n",
		"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\nea60\r\n",
		"Content-Length: 1000000\r\nConnection: close\r\n\r\n",
	} {
		conn := newPlainServer(t, refuse)
		length := 60000
		if strings.Contains(header, "1000000") {
			length = 1000000
		}
		piece := strings.Repeat("x", length/10)
		send := func(text string) {
			t.Helper()
			if _, err := io.WriteString(conn, text); err != nil {
				t.Fatalf("%q: %v", header, err)
			}
		}
		send("POST / HTTP/1.1\r\nHost: x\r\n" + header + piece)
		input := bufio.NewReader(conn)
		response, err := http.ReadResponse(input, nil)
		if err != nil {
			t.Fatalf("%q: %v", header, err)
		}
		line, err := io.ReadAll(response.Body) // It has a length, so its end needs no end of the connection.
		if err != nil || response.StatusCode != 401 || !response.Close || string(line) != "the token is missing or wrong\n" {
			t.Errorf("%q: %v, %v: %q, %v", header, response.Status, response.Header, line, err)
		}
		for range 9 {
			send(piece)
		}
		if strings.Contains(header, "chunked") {
			send("\r\n0\r\n\r\n")
		}
		if n, err := input.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("%q: the connection ends with %d bytes and %v", header, n, err)
		}
	}
}

// What a client may make a server read is bounded, in time and in bytes.
func TestRestOfABodyIsBounded(t *testing.T) {
	t.Parallel()
	for _, floods := range []bool{false, true} {
		conn := newPlainServer(t, refuse)
		io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\nhalf")
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || response.StatusCode != 401 {
			t.Fatalf("%v, %v", response, err)
		}
		if !floods {
			if _, err := io.Copy(io.Discard, conn); err != nil {
				t.Errorf("the connection of a client that is silent ends with %v", err)
			}
			continue
		}
		sent, err := io.Copy(struct{ io.Writer }{conn}, io.LimitReader(zeros{}, 1_000_000_000))
		if err == nil || sent > 100<<20 {
			t.Errorf("the server took %d bytes, and then: %v", sent, err)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// Whoever reads all of its body keeps its connection, and an answer goes out as it is written.
func TestWhatIsReadKeepsItsConnection(t *testing.T) {
	server := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			t.Error(err)
		}
		r.Body.Close()
		switch r.URL.Path {
		case "/early":
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusTeapot)
			w.WriteHeader(http.StatusOK) // The first one counts.
		case "/large":
			w.Write(make([]byte, maxHeld))
			w.Write(make([]byte, maxHeld))
		case "/flushed":
			w.(http.Flusher).Flush()
			io.WriteString(w, "later")
		case "/nothing":
			w.WriteHeader(http.StatusNoContent)
		}
	})
	for path, want := range map[string]struct{ status, length int }{
		"/early": {418, 0}, "/large": {200, 2 * maxHeld}, "/flushed": {200, 5}, "/nothing": {204, 0}, "/": {200, 0},
	} {
		response, err := server.Client().Post(server.URL+path, "", strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != want.status || len(body) != want.length || response.Close {
			t.Errorf("%s: %s, %d bytes, %v; want %+v", path, response.Status, len(body), err, want)
		}
	}
	conn := newPlainServer(t, func(_ http.ResponseWriter, r *http.Request) { io.ReadAll(r.Body) })
	input := bufio.NewReader(conn)
	for range 2 {
		io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx")
		response, err := http.ReadResponse(input, nil)
		if err != nil || response.StatusCode != 200 || response.Close {
			t.Fatalf("%v, %v", response, err)
		}
	}
}

// A handler may take the connection, and has it for itself then.
func TestHijackedConnectionIsLeftAlone(t *testing.T) {
	conn := newPlainServer(t, func(w http.ResponseWriter, _ *http.Request) {
		taken, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		go func() {
			defer taken.Close()
			io.WriteString(taken, "mine\n")
		}()
	})
	io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody")
	if line, err := bufio.NewReader(conn).ReadString('\n'); line != "mine\n" {
		t.Errorf("%q, %v", line, err)
	}
}
