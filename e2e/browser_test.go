package e2e

import (
	"context"
	"os/exec"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// shared is the Chromium that a test gets a window of, unless it needs one of its own: to start
// one takes some seconds of a core.
var shared struct {
	once sync.Once
	ctx  context.Context // nil until it was needed
	err  error
}

// endSharedBrowsers ends all browsers that tests share, after all tests.
func endSharedBrowsers() {
	if shared.ctx != nil {
		end(shared.ctx)
	}
	endFirefox()
	endDisplay()
}

// end closes a browser, by force if it takes too long.
func end(browser context.Context) {
	ctx, cancel := context.WithTimeout(browser, closeWithin)
	defer cancel()
	chromedp.Cancel(ctx)
}

// launch starts a headless Chromium. Unlike chromedp's own flags, these leave hidden tabs and
// their timers to Chromium's usual care.
func launch(path string, flags ...chromedp.ExecAllocatorOption) (context.Context, error) {
	flags = append([]chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path),
		chromedp.Headless,
		chromedp.NoSandbox, // root has none; the pages are our own
		chromedp.DisableGPU,
		chromedp.NoFirstRun,
		chromedp.NoDefaultBrowserCheck,
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-dev-shm-usage", true), // small in a container
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-sync", true),
	}, flags...)
	ctx, _ := chromedp.NewExecAllocator(context.Background(), flags...)
	ctx, _ = chromedp.NewContext(ctx)
	return ctx, chromedp.Do(ctx)
}

// needChromium returns the path of Chromium, or skips the test.
func needChromium(t *testing.T) (path string) {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	need(t, "chromium", "apt-get install chromium")
	return ""
}

// newWindow opens a tab in a window of its own, where it is seen whatever else is open.
func newWindow(t *testing.T) *tab {
	t.Helper()
	path := needChromium(t)
	shared.once.Do(func() { shared.ctx, shared.err = launch(path) })
	if shared.err != nil {
		t.Fatalf("starting Chromium: %v", shared.err)
	}
	return openTab(t, shared.ctx, true)
}

// A browser is a Chromium of the test's own.
type browser struct {
	t   *testing.T
	ctx context.Context
}

// startBrowser starts a Chromium that ends with the test.
func startBrowser(t *testing.T, flags ...chromedp.ExecAllocatorOption) *browser {
	t.Helper()
	ctx, err := launch(needChromium(t), flags...)
	if err != nil {
		t.Fatalf("starting Chromium: %v", err)
	}
	t.Cleanup(func() { end(ctx) })
	return &browser{t: t, ctx: ctx}
}

// window opens a tab in a window of its own.
func (b *browser) window() *tab { return openTab(b.t, b.ctx, true) }

// tab opens a tab in the browser's first window, where it hides the one that was seen.
func (b *browser) tab() *tab { return openTab(b.t, b.ctx, false) }
