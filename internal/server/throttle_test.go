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
