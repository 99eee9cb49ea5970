package server

import (
	"bytes"
	"regexp"
	"time"

	"github.com/kataras/golog"
)

// A throttle is the writer of net/http's error log. It logs at most one line a second, since net/http logs one for each
// try to accept a connection where no file descriptors are left. It leaves out what is no error of the server's
// (hasLeft). It does not wait for a log that blocks, since net/http would then accept no more connections.
type throttle struct {
	next    time.Time     // the earliest time of the next line; log.Logger serializes the calls
	logging chan struct{} // capacity 1: a line is being logged
}

func newThrottle() *throttle { return &throttle{logging: make(chan struct{}, 1)} }

// hasLeft matches what net/http says of clients that connect and leave, or say nothing, as a load
// balancer does that only looks whether somebody listens.
var hasLeft = regexp.MustCompile(`^http: TLS handshake error from .*: (EOF|.*: (connection reset by peer|broken pipe|i/o timeout))\n?$`)

func (t *throttle) Write(line []byte) (int, error) {
	now := time.Now()
	if now.Before(t.next) || hasLeft.Match(line) {
		return len(line), nil
	}
	select {
	case t.logging <- struct{}{}:
		t.next = now.Add(time.Second)
		text := string(bytes.TrimSpace(line))
		go func() {
			golog.Error(text)
			<-t.logging
		}()
	default:
	}
	return len(line), nil
}
