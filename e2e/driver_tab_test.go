package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"example.com/sse/internal/testkit"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/input"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/security"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

const (
	// tabWithin bounds all that one test does with a tab.
	tabWithin = 5 * time.Minute

	// closeWithin is how long a tab or a browser may take to close. A tab that never
	// loaded may not do it at all.
	closeWithin = 20 * time.Second

	// pageWithin is how long a step in a tab may take.
	pageWithin = testkit.Limit
)

// A tab is a page in Chromium, and what only Chromium can do with it.
type tab struct {
	*page
	ctx      context.Context
	finished chan struct{} // closed when all of the console is known

	mu      sync.Mutex
	printed []chromedp.ConsoleMessage // mu protects it
}

// atLast is what the tests write to the console after all others.
const atLast = "the test is over"

func openTab(t *testing.T, browser context.Context, window bool) *tab {
	t.Helper()
	return openTabWith(t, browser, chromedp.WithNewWindow(window))
}

// openTabWith is openTab with options of one's own.
func openTabWith(t *testing.T, browser context.Context, options ...chromedp.ContextOption) *tab {
	t.Helper()
	ctx, cancel := context.WithTimeout(browser, tabWithin)
	t.Cleanup(cancel)
	ctx, _ = chromedp.NewContext(ctx, options...)
	tb := &tab{ctx: ctx, finished: make(chan struct{})}
	messages := chromedp.Console(ctx)
	go func() {
		defer close(tb.finished)
		for m, err := range messages {
			if err != nil || m.Text == atLast {
				return
			}
			tb.mu.Lock()
			tb.printed = append(tb.printed, m)
			tb.mu.Unlock()
		}
	}()
	t.Cleanup(func() { end(ctx) })
	tb.page = newPage(t, chromium{tb})
	_, err := chromedp.Call(ctx, security.SetIgnoreCertificateErrors, security.SetIgnoreCertificateErrorsParams{Ignore: true})
	if err != nil {
		t.Fatal(err)
	}
	return tb
}

// openChromium opens a window of the shared Chromium.
func openChromium(t *testing.T, width int) *page {
	t.Helper()
	tb := newWindow(t)
	if width > 0 {
		tb.do(chromedp.EmulateViewport(int64(width), 640))
	}
	return tb.page
}

// watchChromium is engine.watch.
func watchChromium(t *testing.T, url string) func() []string {
	tb := newWindow(t)
	tb.provoked = ":" // The test looks at all lines itself.
	tb.visit(url)
	return func() (lines []string) {
		for _, m := range tb.logged() {
			lines = append(lines, fmt.Sprintf("%v (%s)", m, m.URL))
		}
		return lines
	}
}

// chromium drives a tab.
type chromium struct{ *tab }

func (c chromium) visit(url string) error {
	ctx, cancel := context.WithTimeout(c.ctx, pageWithin)
	defer cancel()
	return chromedp.Do(ctx, chromedp.Navigate(url))
}

func (c chromium) travel(by int) error {
	ctx, cancel := context.WithTimeout(c.ctx, pageWithin)
	defer cancel()
	return chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](fmt.Sprintf("void setTimeout(() => history.go(%d))", by)))
}

func (c chromium) evaluate(expression string, value any) error {
	ctx, cancel := context.WithTimeout(c.ctx, pageWithin)
	defer cancel()
	array, err := chromedp.Run(ctx, chromedp.Evaluate[string]("JSON.stringify(["+expression+"])"))
	if err != nil {
		return err
	}
	return unwrap(array, value)
}

func (c chromium) wheel(up int) error {
	ctx, cancel := context.WithTimeout(c.ctx, pageWithin)
	defer cancel()
	_, err := chromedp.Call(ctx, input.SynthesizeScrollGesture, input.SynthesizeScrollGestureParams{
		X: 300, Y: 300, YDistance: float64(up), GestureSourceType: input.GestureSourceTypeMouse, Speed: 4000,
	})
	return err
}

func (c chromium) hide() error { return c.setWindow(cdpbrowser.WindowStateMinimized) }
func (c chromium) show() error { return c.setWindow(cdpbrowser.WindowStateNormal) }

func (c chromium) setWindow(state cdpbrowser.WindowState) error {
	ctx, cancel := context.WithTimeout(c.ctx, pageWithin)
	defer cancel()
	window, err := chromedp.Call(ctx, cdpbrowser.GetWindowForTarget, cdpbrowser.GetWindowForTargetParams{})
	if err != nil {
		return err
	}
	_, err = chromedp.Call(ctx, cdpbrowser.SetWindowBounds, cdpbrowser.SetWindowBoundsParams{
		WindowID: window.WindowID, Bounds: &cdpbrowser.Bounds{WindowState: state},
	})
	return err
}

func (c chromium) screenshot() ([]byte, error) {
	ctx, cancel := context.WithTimeout(c.ctx, pageWithin)
	defer cancel()
	return chromedp.Run(ctx, chromedp.CaptureScreenshot())
}

// console is for the test's end.
func (c chromium) console() (lines []string, err error) {
	// Messages keep their order, so what comes before this one has been seen after it.
	if err := c.evaluate(`console.log("`+atLast+`")`, new(any)); err != nil {
		return nil, err
	}
	select {
	case <-c.finished:
	case <-time.After(closeWithin):
		return nil, errors.New("its last line does not come")
	}
	for _, m := range c.printed {
		if m.Type != chromedp.ConsoleLog && m.Type != chromedp.ConsoleDebug && m.Type != chromedp.ConsoleInfo {
			lines = append(lines, fmt.Sprintf("%v (%s)", m, m.URL))
		}
	}
	return lines, nil
}

// logged returns what the page has logged so far.
func (tb *tab) logged() []chromedp.ConsoleMessage {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	return slices.Clone(tb.printed)
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

// beforeEachPage has a script run in the tab before any of a page's own.
func (tb *tab) beforeEachPage(script string) {
	tb.t.Helper()
	_, err := chromedp.Call(tb.ctx, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: script})
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
