package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"example.com/sse/internal/testkit"

	"github.com/chromedp/chromedp"
)

// The table of a page goes on without a missing row when its server is killed and started again. The README shows it.
func TestPagesTableGoesOnOverAKill(t *testing.T) {
	t.Parallel()
	s := startData(t, t.TempDir())
	page, terminal := newWindow(t), newWindow(t)
	page.do(chromedp.EmulateViewport(720, 540))
	page.prefer("color-scheme", "light")
	page.cutOff = true
	page.visit(s.url)
	s.waitForClients(1)
	terminal.do(chromedp.EmulateViewport(720, 92))
	terminal.visit("data:text/html,<body style='margin:0;background:%23161b22'><pre style='margin:12px;font:14px/22px monospace;color:%23e6edf3'>")

	animation := &animation{t: t}
	var commands []string
	see := func(hundredths int) {
		t.Helper()
		var screenshots [][]byte
		for _, tb := range []*tab{page, terminal} {
			png, err := chromium{tb}.screenshot()
			if err != nil {
				t.Fatal(err)
			}
			screenshots = append(screenshots, png)
		}
		animation.add(hundredths, screenshots...)
	}
	enter := func(format string, args ...any) {
		t.Helper()
		commands = append(commands, "$ "+fmt.Sprintf(format, args...))
		text := strings.Join(commands[max(0, len(commands)-3):], `\n`)
		terminal.evaluate(`void (document.querySelector("pre").textContent = "`+text+`")`, new(any))
	}
	var want []string
	publish := func() {
		t.Helper()
		message := fmt.Sprintf("Event %d", len(want)+1)
		data := fmt.Sprintf(`{"timestamp":%d,"message":%q}`, time.Now().Unix(), message)
		s.publish("", data)
		want = append(want, message)
	}
	waitForAll := func() {
		t.Helper()
		var rows []row
		testkit.Eventually(t, func() error {
			if rows = page.rows(); len(rows) != len(want) {
				return fmt.Errorf("the table has %d rows, want %d", len(rows), len(want))
			}
			return nil
		})
		for i, row := range rows {
			if row.message != want[i] {
				t.Fatalf("row %d is %v, want %s", i, row, want[i])
			}
		}
		if lines := page.lines(); len(lines) != len(rows) {
			t.Errorf("the page shows %q", lines)
		}
	}
	publishAndSee := func(n int) {
		t.Helper()
		for range n {
			publish()
			waitForAll()
			see(60)
		}
	}

	enter("sse-server -data events")
	page.waitForHeader(waiting)
	publishAndSee(4)
	enter("kill -9 %d", s.pid())
	s.kill()
	page.waitForHeader(lost)
	see(200)
	s.restart()
	enter("sse-server -data events")
	// Events come before the page has reconnected.
	for range 3 {
		publish()
	}
	see(100)
	waitForAll()
	see(200)
	publishAndSee(2)
	see(200)
	animation.write("restart.gif")
}
