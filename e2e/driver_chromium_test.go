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
func launch(path string) (context.Context, error) {
	ctx, _ := chromedp.NewExecAllocator(context.Background(),
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
	)
	ctx, _ = chromedp.NewContext(ctx)
	return ctx, chromedp.Do(ctx)
}

// shell is Chromium without what surrounds a page: no tabs that hide each other, and a quarter of
// the work.
const shell = "chromium-headless-shell"

// needChromium returns the path of Chromium, one of those preferred if it is here, or skips the
// test.
func needChromium(t *testing.T, preferred ...string) (path string) {
	t.Helper()
	for _, name := range append(preferred, "chromium", "chromium-browser", "google-chrome") {
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
	return openTab(t, sharedChromium(t), true)
}

// newUser is newWindow for a user of their own, who has no cookies and no passwords of others.
func newUser(t *testing.T) *tab {
	t.Helper()
	return openTabWith(t, sharedChromium(t), chromedp.WithNewBrowserContext())
}

// sharedChromium returns the Chromium that tests share.
func sharedChromium(t *testing.T) context.Context {
	t.Helper()
	path := needChromium(t, shell)
	shared.once.Do(func() { shared.ctx, shared.err = launch(path) })
	if shared.err != nil {
		t.Fatalf("starting Chromium: %v", shared.err)
	}
	return shared.ctx
}

// A browser is a Chromium of the test's own, with tabs.
type browser struct {
	t   *testing.T
	ctx context.Context
}

// startBrowser starts a Chromium that ends with the test.
func startBrowser(t *testing.T) *browser {
	t.Helper()
	ctx, err := launch(needChromium(t))
	if err != nil {
		t.Fatalf("starting Chromium: %v", err)
	}
	t.Cleanup(func() { end(ctx) })
	return &browser{t: t, ctx: ctx}
}

// tab opens a tab in the browser's first window, where it hides the one that was seen.
func (b *browser) tab() *tab { return openTab(b.t, b.ctx, false) }
