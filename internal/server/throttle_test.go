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
		var out throttle
		for range 30 { // Three seconds.
			io.WriteString(&out, "accept: too many open files\n")
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
	out := new(throttle)
	for _, line := range []string{
		"http: TLS handshake error from 127.0.0.1:1234: EOF\n",
		"http: TLS handshake error from [::1]:1234: read tcp [::1]:443->[::1]:1234: read: connection reset by peer\n",
		"http: TLS handshake error from 127.0.0.1:1234: write tcp 127.0.0.1:443->127.0.0.1:1234: write: broken pipe\n",
		"http: TLS handshake error from 127.0.0.1:1234: read tcp 127.0.0.1:443->127.0.0.1:1234: i/o timeout\n",
	} {
		io.WriteString(out, line)
	}
	if log.Len() > 0 {
		t.Errorf("it is logged: %s", log.String())
	}
	for _, line := range []string{
		"http: TLS handshake error from 127.0.0.1:1234: tls: client offered only unsupported versions: [301]\n",
		"http: Accept error: accept tcp 127.0.0.1:443: i/o timeout; retrying in 5ms\n",
		"http: panic serving 127.0.0.1:1234: EOF\n",
	} {
		log.Reset()
		io.WriteString(new(throttle), line)
		if !strings.Contains(log.String(), strings.TrimSpace(line)) {
			t.Errorf("%s is not logged", line)
		}
	}
}
