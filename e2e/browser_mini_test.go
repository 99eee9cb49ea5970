package e2e

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"example.com/sse/internal/testkit"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

func TestMiniPageLogsEveryEvent(t *testing.T) {
	t.Parallel()
	s := start(t, "-interval", "200ms")
	raw := subscribe(t, s.url+"/events", "")
	tb := newWindow(t)
	tb.visit("file://" + miniPage(t, s))
	testkit.Eventually(t, func() error {
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

// miniPage writes the mini page to a file, for a server's port, and returns the file's path.
func miniPage(t *testing.T, s *server) string {
	t.Helper()
	mini := read(t, "../optional.sse.mini.js.html")
	// The test's server can't have port 8080, which may be taken. Nothing else is replaced.
	const url = "http://localhost:8080/events"
	if n := strings.Count(mini, url); n != 1 {
		t.Fatalf("the mini page names %s %d times", url, n)
	}
	return newFile(t, "optional.sse.mini.js.html", strings.Replace(mini, "8080", s.addr[strings.LastIndex(s.addr, ":")+1:], 1))
}
