package server

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kataras/golog"
)

func TestServerErrorsAreAtMostOneLineASecond(t *testing.T) {
	var log bytes.Buffer
	golog.SetOutput(&log)
	defer golog.SetOutput(os.Stdout)
	synctest.Test(t, func(t *testing.T) {
		out := newThrottle()
		for range 30 { // Three seconds.
			io.WriteString(out, "accept: too many open files\n")
			time.Sleep(100*time.Millisecond + time.Nanosecond)
		}
	})
	if n := strings.Count(log.String(), "too many open files"); n != 3 {
		t.Errorf("%d lines in three seconds:\n%s", n, log.String())
	}
}

func TestWhoConnectsAndLeavesIsNoError(t *testing.T) {
	var log bytes.Buffer
	golog.SetOutput(&log)
	defer golog.SetOutput(os.Stdout)
	for line, logged := range map[string]bool{
		"http: TLS handshake error from 127.0.0.1:1234: EOF\n":                                                         false,
		"http: TLS handshake error from [::1]:1234: read tcp [::1]:443->[::1]:1234: read: connection reset by peer\n":  false,
		"http: TLS handshake error from 127.0.0.1:1234: write tcp 127.0.0.1:443->127.0.0.1:1234: write: broken pipe\n": false,
		"http: TLS handshake error from 127.0.0.1:1234: read tcp 127.0.0.1:443->127.0.0.1:1234: i/o timeout\n":         false,
		"http: TLS handshake error from 127.0.0.1:1234: tls: client offered only unsupported versions: [301]\n":        true,
		"http: Accept error: accept tcp 127.0.0.1:443: i/o timeout; retrying in 5ms\n":                                 true,
		"http: panic serving 127.0.0.1:1234: EOF\n":                                                                    true,
	} {
		synctest.Test(t, func(*testing.T) {
			log.Reset()
			io.WriteString(newThrottle(), line)
			synctest.Wait()
			if got := strings.Contains(log.String(), strings.TrimSpace(line)); got != logged {
				t.Errorf("%s is logged: %v", line, got)
			}
		})
	}
}

// A blockedWriter blocks until it is closed.
type blockedWriter chan struct{}

func (w blockedWriter) Write(p []byte) (int, error) {
	<-w
	return len(p), nil
}

func TestServerDoesNotWaitForALogThatBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := make(blockedWriter)
		golog.SetOutput(log)
		defer golog.SetOutput(os.Stdout)
		out := newThrottle()
		for range 5 {
			io.WriteString(out, "accept: too many open files\n") // returns
			time.Sleep(2 * time.Second)
		}
		close(log)
		synctest.Wait()
	})
}
