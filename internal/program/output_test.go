package program

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kataras/golog"
)

// newOutput returns an Output to which a logger of its own logs.
func newOutput(w io.Writer, colors, json bool) (o *Output, log *golog.Logger) {
	o = &Output{w: w, colors: colors, json: json}
	log = golog.New()
	log.Handle(o.handle)
	return o, log
}

// A slowWriter takes what is written when somebody receives it.
type slowWriter chan string

func (w slowWriter) Write(lines []byte) (int, error) {
	w <- string(lines)
	return 0, errors.New("the disk is full")
}

func TestLogLinesHaveLevelAndTimeWithSeconds(t *testing.T) {
	for colors, want := range map[bool]string{
		false: `^\[WARN\] \d{4}/\d\d/\d\d \d\d:\d\d:\d\d app: 5 of 9\n$`,
		true:  `^\x1b\[\d+m\[WARN\]\x1b\[0m \d{4}/\d\d/\d\d \d\d:\d\d:\d\d app: 5 of 9\n$`,
	} {
		synctest.Test(t, func(t *testing.T) {
			lines := make(slowWriter)
			_, log := newOutput(lines, colors, false)
			log.SetPrefix("app: ").Warnf("%d of %d", 5, 9, golog.Fields{"done": 5})
			log.Debug("not at this level")
			if got := <-lines; !regexp.MustCompile(want).MatchString(got) {
				t.Errorf("got %q, want %s", got, want)
			}
		})
	}
}

func TestNobodyWaitsForALogThatBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lines := make(slowWriter)
		o, log := newOutput(lines, false, false)
		log.Info("first")
		synctest.Wait() // It is being written.
		const more = 10_000
		for range more {
			log.Info("more")
		}
		before := time.Now()
		o.Flush()
		if waited := time.Since(before); waited != flushTimeout {
			t.Errorf("Flush returns after %v", waited)
		}
		<-lines
		kept := <-lines
		if len(kept) > maxWaiting+200 || len(kept) < maxWaiting-200 {
			t.Errorf("%d bytes waited", len(kept))
		}
		n := strings.Count(kept, "more\n")
		if got := regexp.MustCompile(`(?m)^(\d+) lines are missing here`).FindStringSubmatch(kept); got == nil || got[1] != fmt.Sprint(more-n) {
			t.Errorf("%d of %d lines were kept, and it says %q", n, more, got)
		}
		log.Info("last")
		if got := <-lines; !strings.HasSuffix(got, " last\n") {
			t.Errorf("after it blocked: %q", got)
		}
	})
}

func TestFlushWaitsForWhatIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lines := make(slowWriter)
		o, log := newOutput(lines, false, false)
		log.Info("last words")
		time.AfterFunc(flushTimeout/2, func() { <-lines })
		before := time.Now()
		o.Flush()
		if waited := time.Since(before); waited != flushTimeout/2 {
			t.Errorf("Flush returns after %v", waited)
		}
	})
}
