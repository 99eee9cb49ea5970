package e2e

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

func TestWhoNeverFinishesItsRequestIsCutOff(t *testing.T) {
	t.Parallel()
	s := start(t, "-interval", "100ms")
	fs := followers(t, 5, s.url+"/events")
	var clients sync.WaitGroup
	for what, request := range map[string]string{
		"nothing":                    "",
		"half a line":                "GET /eve",
		"half a header":              "GET /events HTTP/1.1\r\nHost: x\r\nLast-Ev",
		"POST /events without body":  "POST /events HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n",
		"GET / without its body":     "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n",
		"an endless chunked body":    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n",
		"OPTIONS and never its body": "OPTIONS /events HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345",
	} {
		conn := dial(t, s)
		clients.Go(func() {
			io.WriteString(conn, request)
			if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%s: still connected after %v", what, testkit.Limit)
			}
		})
	}
	conn := dial(t, s)
	clients.Go(func() {
		for _, b := range []byte("GET /events HTTP/1.1\r\nHost: x\r\nX-Slow: " + strings.Repeat("s", 1000)) {
			if _, err := conn.Write([]byte{b}); errors.Is(err, os.ErrDeadlineExceeded) {
				break
			} else if err != nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
		t.Errorf("byte by byte: still connected after %v", testkit.Limit)
	})
	clients.Wait() // Each connection has its limit.
	checkWhole(t, fs, retained(t, s))
}

func TestChattererIsCutOff(t *testing.T) {
	t.Parallel()
	s := start(t)
	conn := dial(t, s)
	io.WriteString(conn, "GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
	chatter := make([]byte, 1<<10)
	var err error
	for err == nil {
		_, err = conn.Write(chatter)
		time.Sleep(time.Millisecond)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a client that sends on and on is not cut off: %v", err)
	}
	s.waitForClients(0)
}

// dial opens a connection to a server, for testkit.Limit at most. It is closed at the test's end.
func dial(t *testing.T, s *server) net.Conn {
	t.Helper()
	conn, err := net.DialTimeout("tcp", s.addr, testkit.Limit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(testkit.Limit))
	return conn
}
