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
