package program

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kataras/golog"
)

// clients is a figure, such as the broker logs.
type clients int

func (c clients) Figure() (string, int64) { return "clients", int64(c) }

func TestLogInJSONHasTimeLevelMessageAndFiguresAsNumbers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lines := make(slowWriter)
		o, log := newOutput(lines, true, true)
		for _, test := range []struct {
			log  func()
			want string // after the time
		}{
			{func() { o.Listening("http://localhost:8080", "all topics are open") }, `"level":"info","message":"Now listening on: http://localhost:8080 (all topics are open)","url":"http://localhost:8080"}`},
			{func() { o.Infof("Client added. %d registered clients", clients(7)) }, `"level":"info","message":"Client added. 7 registered clients","clients":7}`},
			{func() { o.Warnf("%s & %d", "<a>", 1) }, `"level":"warn","message":"<a> & 1"}`},
			{func() { o.Errorf("two\nlines \xff") }, `"level":"error","message":"two\nlines \ufffd"}`},
			{func() { log.Warnf("%d events", 5, golog.Fields{"missed": uint64(5), "after": 3}) }, `"level":"warn","message":"app: 5 events","after":3,"missed":5}`},
			{func() { log.Error("with a channel", golog.Fields{"c": lines}) }, `"level":"error","message":"app: with a channel","error":"json: unsupported type: program.slowWriter"}`},
		} {
			log.SetPrefix("app: ")
			before := time.Now()
			test.log()
			got := <-lines
			var object struct{ Time time.Time }
			if err := json.Unmarshal([]byte(got), &object); err != nil || !object.Time.Equal(before) {
				t.Errorf("%q: %v, its time is %v", got, err, object.Time)
			}
			if _, after, _ := strings.Cut(got, `,`); after != test.want+"\n" || !strings.HasPrefix(got, `{"time":"`) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		}
	})
}

func TestMissingLinesAreAnObjectToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lines := make(slowWriter)
		o, _ := newOutput(lines, false, true)
		o.Infof("first")
		synctest.Wait() // It is being written.
		const more = 10_000
		for range more {
			o.Infof("more")
		}
		<-lines
		kept := 0
		last := map[string]any{}
		for object := range bytes.Lines([]byte(<-lines)) {
			clear(last)
			if err := json.Unmarshal(object, &last); err != nil {
				t.Fatalf("%q: %v", object, err)
			}
			kept++
		}
		if want := fmt.Sprint(more - (kept - 1)); fmt.Sprint(last["missing"]) != want || last["level"] != "warn" {
			t.Errorf("%d lines are left out, and the last one says %v", more-(kept-1), last)
		}
	})
}
