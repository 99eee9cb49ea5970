package server

import (
	"bytes"
	"regexp"
	"time"

	"github.com/kataras/golog"
)

// A throttle logs at most one line a second, and none of what is no error of the server's.
// Without file descriptors left, net/http has a line to say for each try to accept.
type throttle struct {
	next time.Time // the earliest time of the next line; log.Logger serializes the calls
}

// hasLeft matches what net/http says of clients that connect and leave, or say nothing, as a load
// balancer does that only looks whether somebody listens.
var hasLeft = regexp.MustCompile(`^http: TLS handshake error from .*: (EOF|.*: (connection reset by peer|broken pipe|i/o timeout))\n?$`)

func (t *throttle) Write(line []byte) (int, error) {
	if now := time.Now(); now.After(t.next) && !hasLeft.Match(line) {
		t.next = now.Add(time.Second)
		golog.Error(string(bytes.TrimSpace(line)))
	}
	return len(line), nil
}
