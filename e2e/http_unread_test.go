package e2e

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// A client that asks on and on and reads nothing would have the server keep its answers in the
// kernel, and a goroutine that waits to write the next one, for ever.
func TestAnswersThatAreNeverReadEnd(t *testing.T) {
	t.Parallel()
	s := start(t, "-interval", never.String())
	conn := dial(t, s)
	conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	conn.SetWriteDeadline(time.Now().Add(2 * time.Minute))
	if _, err := io.WriteString(conn, strings.Repeat("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 2000)); err != nil {
		t.Fatal(err)
	}
	for begun := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		// Once the server has closed its end, what comes still is refused.
		if _, err := io.WriteString(conn, "G"); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal("the server does not read and does not close")
		} else if err != nil {
			return
		}
		if time.Since(begun) > time.Minute {
			t.Fatal("the server still waits for it to read")
		}
	}
}

// Of one answer after the other, too, and of large ones: the page's script for each 40 bytes.
func TestAnswersThatAreNotReadTakeABoundedAmountOfTheKernelsMemory(t *testing.T) {
	t.Parallel()
	need(t, "/proc/net/tcp", "Linux")
	s := start(t, "-interval", never.String())
	conn := dial(t, s)
	conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	if _, err := io.WriteString(conn, strings.Repeat("GET /page.js HTTP/1.1\r\nHost: x\r\n\r\n", 330)); err != nil {
		t.Fatal(err)
	}
	// The kernel takes more and more until it has what it takes.
	most, grown := 0, time.Now()
	for time.Since(grown) < time.Second {
		if n := unacknowledged(t, conn); n > most {
			most, grown = n, time.Now()
		}
		time.Sleep(10 * time.Millisecond)
	}
	// Linux doubles the bound, and lets the last segment exceed it.
	if most < 10<<10 || most > 384<<10 {
		t.Errorf("the kernel keeps %d KiB", most>>10)
	}
}

// unacknowledged returns how many bytes the kernel keeps at a server's end of a connection, because
// the other end has not acknowledged them, or 0 once the server has closed it.
func unacknowledged(t *testing.T, conn net.Conn) int {
	t.Helper()
	for _, s := range sockets(t) {
		if hasPort(s.local, conn.RemoteAddr().String()) && hasPort(s.remote, conn.LocalAddr().String()) {
			return s.unacknowledged
		}
	}
	return 0
}
