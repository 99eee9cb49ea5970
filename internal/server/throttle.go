package server

import (
	"bytes"
	"time"

	"github.com/kataras/golog"
)

// A throttle logs at most one line a second. Without file descriptors left, net/http has
// one to say for each try to accept.
type throttle struct {
	next time.Time // the earliest time of the next line; log.Logger serializes the calls
}

func (t *throttle) Write(line []byte) (int, error) {
	if now := time.Now(); now.After(t.next) {
		t.next = now.Add(time.Second)
		golog.Error(string(bytes.TrimSpace(line)))
	}
	return len(line), nil
}
