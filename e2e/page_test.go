package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// rowOf returns the row that the page should show for one of the server's events.
func rowOf(t *testing.T, id int64, data string) row {
	t.Helper()
	var e struct {
		Timestamp json.Number
		Message   string
	}
	if err := json.Unmarshal([]byte(data), &e); err != nil {
		t.Fatalf("event %d: %v", id, err)
	}
	return row{strconv.FormatInt(id, 10), e.Timestamp.String(), e.Message}
}

// checkRows checks that the rows are a stream's events, from the first row's on: none is
// missing, doubled or out of place.
func checkRows(t *testing.T, rows []row, raw *stream) {
	t.Helper()
	for i := 0; i < len(rows); {
		id, data := raw.next(pageWithin)
		want := rowOf(t, id, data)
		if i == 0 && want != rows[0] {
			continue
		}
		if rows[i] != want {
			t.Fatalf("row %d is %v, the stream's event is %v", i, rows[i], want)
		}
		i++
	}
}

func TestPageShowsTheStreamsEvents(t *testing.T) {
	t.Parallel()
	s := start(t, "-interval", "50ms")
	raw := subscribe(t, s.url+"/events", "")
	tb := newWindow(t)
	tb.visit(s.url)
	checkRows(t, tb.waitForRows(40), raw)
	if title := eval[string](tb, "document.title"); title != "SSE" {
		t.Errorf("the title is %q", title)
	}
	heads := eval[[]string](tb, `Array.from(document.querySelectorAll("#messagesTable th"), th => th.innerText)`)
	if want := []string{"Timestamp (server)", "Message"}; !slices.Equal(heads, want) {
		t.Errorf("the columns are %q, want %q", heads, want)
	}
}

func TestPageShowsDataAsText(t *testing.T) {
	t.Parallel()
	const html = `<b>bold</b><img src=x onerror="document.title='broken'"><script>document.title='broken'</script>`
	s := newStage(t)
	tb := newWindow(t)
	tb.visit(s.url)
	s.waitForClients(1)
	inJSON, _ := json.Marshal(map[string]any{"timestamp": 7, "message": html})
	tests := []struct{ data, timestamp, message string }{
		{string(inJSON), "7", html},
		{html, "", html},
		{`{"timestamp":1.5,"message":""}`, "1.5", ""},
		{"", "", ""},
		{"not { JSON", "", "not { JSON"},
		{"two\nlines", "", "two\nlines"},
		{"null", "", "null"},
		{"[1,2]", "", "[1,2]"},
		{`"text"`, "", `"text"`},
		{`{"message":"no timestamp"}`, "", `{"message":"no timestamp"}`},
		{`{"timestamp":"1","message":"m"}`, "", `{"timestamp":"1","message":"m"}`},
		{`{"timestamp":1,"message":{}}`, "", `{"timestamp":1,"message":{}}`},
		{`{"timestamp":12345678901234567890,"message":"m"}`, "", `{"timestamp":12345678901234567890,"message":"m"}`},
		{`{"timestamp":9000000000000000,"message":"beyond all calendars"}`, "9000000000000000", "beyond all calendars"},
		{"時間 🕰", "", "時間 🕰"},
	}
	for i, test := range tests {
		s.send(int64(i+1), test.data)
	}
	for i, got := range tb.waitForRows(len(tests)) {
		if want := (row{fmt.Sprint(i + 1), tests[i].timestamp, tests[i].message}); got != want {
			t.Errorf("%q is shown as %q, want %q", tests[i].data, got, want)
		}
	}
	if n := eval[int](tb, `document.querySelectorAll("td *").length`); n > 0 {
		t.Errorf("data became %d elements", n)
	}
	if title := eval[string](tb, "document.title"); title != "SSE" {
		t.Errorf("data ran as a script: the title is %q", title)
	}
}

func TestPageKeepsTheLast500Rows(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	tb := newWindow(t)
	tb.visit(s.url)
	s.waitForClients(1)
	for id := int64(1); id <= 1203; id++ {
		s.send(id, fmt.Sprint("event ", id))
	}
	s.waitForLastRow(tb, 1203)
	checkLast500(t, tb, 1203)
	s.send(1204, "event 1204")
	s.waitForLastRow(tb, 1204)
	checkLast500(t, tb, 1204)
}

// waitForLastRow waits until the table's last row is an event's.
func (s *stage) waitForLastRow(tb *tab, id int64) {
	s.t.Helper()
	want := fmt.Sprint("id ", id)
	eventually(s.t, pageWithin, func() error {
		if got := eval[string](tb, `messagesTable.tBodies[0].lastElementChild?.title ?? "none"`); got != want {
			return fmt.Errorf("the last row is %q, want %q", got, want)
		}
		return nil
	})
}

// checkLast500 checks that the rows are the 500 events up to the one with the given id.
func checkLast500(t *testing.T, tb *tab, last int) {
	t.Helper()
	rows := tb.rows()
	if len(rows) != 500 {
		t.Fatalf("the table has %d rows, want 500", len(rows))
	}
	for i, r := range rows {
		if want := fmt.Sprint(last - 499 + i); r.id != want {
			t.Fatalf("row %d is event %s, want %s", i, r.id, want)
		}
	}
}

func TestMiniPageLogsEveryEvent(t *testing.T) {
	t.Parallel()
	s := start(t, "-interval", "200ms")
	mini, err := os.ReadFile("../optional.sse.mini.js.html")
	if err != nil {
		t.Fatal(err)
	}
	// The test's server can't have port 8080, which may be taken. Nothing else is replaced.
	const url = "http://localhost:8080/events"
	if n := strings.Count(string(mini), url); n != 1 {
		t.Fatalf("the mini page names %s %d times", url, n)
	}
	mini = []byte(strings.Replace(string(mini), "8080", s.addr[strings.LastIndex(s.addr, ":")+1:], 1))
	file := filepath.Join(t.TempDir(), "optional.sse.mini.js.html")
	if err := os.WriteFile(file, mini, 0o644); err != nil {
		t.Fatal(err)
	}
	raw := subscribe(t, s.url+"/events", "")
	tb := newWindow(t)
	tb.visit("file://" + file)
	eventually(t, pageWithin, func() error {
		if n := len(tb.logged()); n < 5 {
			return fmt.Errorf("%d events logged, want 5", n)
		}
		return nil
	})
	var logged []row
	for _, m := range tb.logged() {
		if m.Type != chromedp.ConsoleLog || len(m.Args) != 1 || m.Args[0].Description != "MessageEvent" {
			t.Fatalf("logged is no event: %v", m)
		}
		event, err := chromedp.Run(tb.ctx, chromedp.CallFunctionOn[[]string](`function() { return [this.lastEventId, this.data] }`,
			func(p *runtime.CallFunctionOnParams) { p.ObjectID = m.Args[0].ObjectID }))
		if err != nil {
			t.Fatal(err)
		}
		id, err := strconv.ParseInt(event[0], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		logged = append(logged, rowOf(t, id, event[1]))
	}
	checkRows(t, logged, raw)
	for _, want := range []string{"打开浏览器控制台（F12）并观察传入的事件消息", "Open the browser's console (F12) and watch the events come in"} {
		if text := eval[string](tb, "document.body.innerText"); !strings.Contains(text, want) {
			t.Errorf("%q is not in the page: %q", want, text)
		}
	}
}

func TestPageFollowsTheEndOnlyWhileTheReaderIsThere(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	tb := newWindow(t)
	tb.visit(s.url)
	s.waitForClients(1)
	next := int64(1)
	more := func(n int) {
		t.Helper()
		for range n {
			s.send(next, fmt.Sprint("event ", next))
			next++
		}
		s.waitForLastRow(tb, next-1)
	}
	const room = `Math.round(document.documentElement.scrollHeight - innerHeight - scrollY)`
	atEnd := func() {
		t.Helper()
		eventually(t, pageWithin, func() error {
			if got := eval[int](tb, room); got != 0 {
				return fmt.Errorf("the reader is %d pixels from the end", got)
			}
			return nil
		})
	}
	more(100)
	atEnd()
	more(1)
	atEnd()

	tb.wheel(300)
	eventually(t, pageWithin, func() error {
		if got := eval[int](tb, room); got != 300 {
			return fmt.Errorf("the reader is %d pixels from the end, want 300", got)
		}
		return nil
	})
	// What the reader sees stays where it is, also when rows at the start are given up.
	const seen = `(() => {
		const row = document.elementFromPoint(300, 300).closest("tr");
		return row.title + " at " + Math.round(row.getBoundingClientRect().top);
	})()`
	before := eval[string](tb, seen)
	more(10)
	more(450)
	if after := eval[string](tb, seen); after != before {
		t.Errorf("the reader saw %q, and now %q", before, after)
	}

	tb.do(chromedp.KeyEvent(kb.End))
	atEnd()
	more(10)
	atEnd()

	tb.do(chromedp.KeyEvent(kb.Home))
	tb.do(chromedp.WaitVisible(chromedp.CSS(".latest")), chromedp.Click(chromedp.CSS(".latest")))
	atEnd()
	more(10)
	atEnd()
}

func TestReaderCanLeaveTheEndOfAFastStream(t *testing.T) {
	t.Parallel()
	s := start(t, "-interval", "1ms")
	tb := newWindow(t)
	tb.visit(s.url)
	tb.waitForRows(500)
	tb.wheel(400)
	time.Sleep(time.Second) // some 1,000 events
	if got := eval[float64](tb, `document.documentElement.scrollHeight - innerHeight - scrollY`); got < 300 {
		t.Errorf("the reader has turned the wheel and is %v pixels from the end", got)
	}
}

// wheel turns the mouse wheel over the page: positive is up.
func (tb *tab) wheel(up float64) {
	tb.t.Helper()
	_, err := chromedp.Call(tb.ctx, input.SynthesizeScrollGesture, input.SynthesizeScrollGestureParams{
		X: 300, Y: 300, YDistance: up, GestureSourceType: input.GestureSourceTypeMouse, Speed: 4000,
	})
	if err != nil {
		tb.t.Fatal(err)
	}
}
