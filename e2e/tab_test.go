package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

const (
	// tabWithin bounds all that one test does with a tab.
	tabWithin = 5 * time.Minute

	// closeWithin is how long a tab or a browser may take to close. A tab that never
	// loaded may not do it at all.
	closeWithin = 20 * time.Second

	// pageWithin is how long the page may take to show what it has got, on a machine
	// that is busy with other tests.
	pageWithin = time.Minute
)

// A tab is a page in a browser. At the test's end whatever it wrote to its console as a
// warning or an error fails the test.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu      sync.Mutex
	console []chromedp.ConsoleMessage // mu protects it

	// cutOff says that the test takes the server away: Chromium, not the page, puts that
	// on the console as an error.
	cutOff bool
}

func openTab(t *testing.T, browser context.Context, window bool) *tab {
	t.Helper()
	ctx, cancel := context.WithTimeout(browser, tabWithin)
	t.Cleanup(cancel)
	ctx, _ = chromedp.NewContext(ctx, chromedp.WithNewWindow(window))
	tb := &tab{t: t, ctx: ctx}
	messages := chromedp.Console(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for m, err := range messages {
			if err != nil || m.Text == "the test is over" {
				return
			}
			tb.mu.Lock()
			tb.console = append(tb.console, m)
			tb.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(ctx, closeWithin)
		defer cancel()
		defer chromedp.Cancel(ctx)
		// Messages keep their order, so what comes before this one has been seen after it.
		if err := chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](`console.log("the test is over")`)); err != nil {
			t.Errorf("the tab at the test's end: %v", err)
			return
		}
		<-ended
		tb.checkConsole()
	})
	return tb
}

func (tb *tab) checkConsole() {
	for _, m := range tb.console {
		quiet := m.Type == chromedp.ConsoleLog || m.Type == chromedp.ConsoleDebug || m.Type == chromedp.ConsoleInfo
		if !quiet && !(tb.cutOff && m.Source == "network" && strings.Contains(m.URL, "/events")) {
			tb.t.Errorf("on the console: %v (%s)", m, m.URL)
		}
	}
}

// logged returns what the page has logged so far.
func (tb *tab) logged() []chromedp.ConsoleMessage {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	return slices.Clone(tb.console)
}

// do takes steps in the tab.
func (tb *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, pageWithin)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		tb.t.Fatal(err)
	}
}

// visit loads a page.
func (tb *tab) visit(url string) {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, pageWithin)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate(url)); err != nil {
		tb.t.Fatalf("loading %s: %v", url, err)
	}
}

// beforeEachPage has a script run in the tab before any of a page's own.
func (tb *tab) beforeEachPage(script string) {
	tb.t.Helper()
	_, err := chromedp.Call(tb.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
	if err != nil {
		tb.t.Fatal(err)
	}
}

// bringToFront shows the tab, and so hides the others of its window.
func (tb *tab) bringToFront() {
	tb.t.Helper()
	id := chromedp.FromContext(tb.ctx).Target.TargetID
	if _, err := chromedp.CallBrowser(tb.ctx, target.ActivateTarget, target.ActivateTargetParams{TargetID: id}); err != nil {
		tb.t.Fatal(err)
	}
}

// eval returns the value of a JavaScript expression in the tab.
func eval[T any](tb *tab, expression string) T {
	tb.t.Helper()
	value, err := chromedp.Run(tb.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		tb.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// A row is a row of the page's table.
type row struct{ id, timestamp, message string }

// rows returns the page's table.
func (tb *tab) rows() []row {
	tb.t.Helper()
	cells := eval[[][]string](tb, `Array.from(messagesTable.tBodies[0].rows,
		row => [row.title.replace("id ", ""), ...Array.from(row.cells, cell => cell.textContent)])`)
	rows := make([]row, len(cells))
	for i, c := range cells {
		if len(c) != 3 {
			tb.t.Fatalf("row %d has %d cells", i, len(c)-1)
		}
		rows[i] = row{c[0], c[1], c[2]}
	}
	return rows
}

// header returns what the page says about its state.
func (tb *tab) header() string {
	tb.t.Helper()
	return eval[string](tb, `document.getElementById("header").innerText`)
}

// waitForHeader waits until the page says that it is in a state.
func (tb *tab) waitForHeader(want string) {
	tb.t.Helper()
	eventually(tb.t, pageWithin, func() error {
		if got := tb.header(); got != want {
			return fmt.Errorf("the header says %q, want %q", got, want)
		}
		return nil
	})
}

// waitForRows waits until the table has at least n rows, and returns it.
func (tb *tab) waitForRows(n int) (rows []row) {
	tb.t.Helper()
	eventually(tb.t, pageWithin, func() error {
		if rows = tb.rows(); len(rows) < n {
			return fmt.Errorf("the table has %d rows, want %d", len(rows), n)
		}
		return nil
	})
	return rows
}
