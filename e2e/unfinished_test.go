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
)

// cutOffWithin is how long a client may take with its request, and then some.
const cutOffWithin = 15 * time.Second

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
		clients.Go(func() {
			conn := dial(t, s)
			io.WriteString(conn, request)
			conn.SetReadDeadline(time.Now().Add(cutOffWithin))
			if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%s: still connected after %v", what, cutOffWithin)
			}
		})
	}
	clients.Go(func() {
		conn := dial(t, s)
		begun := time.Now()
		for _, b := range []byte("GET /events HTTP/1.1\r\nHost: x\r\nX-Slow: " + strings.Repeat("s", 1000)) {
			if _, err := conn.Write([]byte{b}); err != nil {
				return
			}
			if time.Since(begun) > cutOffWithin {
				t.Errorf("byte by byte: still connected after %v", cutOffWithin)
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
	})
	clients.Wait()
	checkWhole(t, fs, held(t, s))
}

func TestChattererIsCutOff(t *testing.T) {
	t.Parallel()
	s := start(t)
	conn := dial(t, s)
	io.WriteString(conn, "GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
	chatter := make([]byte, 1<<10)
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	var err error
	for range 1 << 10 {
		if _, err = conn.Write(chatter); err != nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a client that sends on and on is not cut off: %v", err)
	}
	s.waitForClients(0, 5*time.Second)
}

// dial opens a connection to a server, which is closed at the test's end.
func dial(t *testing.T, s *server) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}
