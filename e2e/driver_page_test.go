package e2e

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

// A driver is what one engine's own protocol does for the tests that run in all engines. All
// its calls end within browserWithin.
type driver interface {
	// visit loads a page, and returns when it is loaded.
	visit(url string) error

	// travel goes so many pages forward in the window's history, or back where by is negative; 0
	// loads the page again. It may return before the page is loaded.
	travel(by int) error

	// evaluate stores the value of a JavaScript expression, which goes through JSON.
	evaluate(expression string, value any) error

	// wheel turns the mouse wheel over the page: so many pixels up.
	wheel(up int) error

	// hide has nobody see the page; show brings it back.
	hide() error
	show() error

	// screenshot returns a PNG of what the window shows.
	screenshot() ([]byte, error)

	// console returns the warnings and errors that the page has caused so far.
	console() ([]string, error)
}

// browserWithin is how long a browser may take to start on a machine that is busy.
const browserWithin = 2 * time.Minute

// An engine is a browser engine as the tests use it. All that it opens ends with the test.
type engine struct {
	name string

	// open opens a window that is so many pixels wide, or of its usual width for 0.
	open func(t *testing.T, width int) *page

	// watch loads a page in a window that nobody drives, and returns a function that returns
	// all lines of its console so far.
	watch func(t *testing.T, url string) func() []string
}

// engines are all that the tests whose names begin with TestEveryEngine run in.
var engines = []engine{
	{"Chromium", openChromium, watchChromium},
	{"Firefox", openFirefox, watchFirefox},
	{"WebKit", openWebKit, watchWebKit},
}

// inAllEngines runs a test in each engine that is installed, one engine after the other.
func inAllEngines(t *testing.T, test func(t *testing.T, open func(width int) *page)) {
	t.Parallel()
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			test(t, func(width int) *page { return engine.open(t, width) })
		})
	}
}

// A page is what a browser shows, and what tests ask of it. At the test's end whatever it
// wrote to its console as a warning or an error fails the test.
type page struct {
	t      *testing.T
	driver driver

	// cutOff says that the test takes the server away: the browsers, not the page, put that
	// on the console as an error.
	cutOff bool

	// provoked is in all lines of the console that the test itself causes, or empty.
	provoked string
}

func newPage(t *testing.T, d driver) *page {
	p := &page{t: t, driver: d}
	t.Cleanup(func() {
		messages, err := d.console()
		if err != nil {
			t.Errorf("the console: %v", err)
		}
		for _, m := range messages {
			switch {
			case p.cutOff && strings.Contains(m, "/events"):
			case p.provoked != "" && strings.Contains(m, p.provoked):
			default:
				t.Errorf("on the console: %s", m)
			}
		}
	})
	return p
}

// visit loads a page.
func (p *page) visit(url string) {
	p.t.Helper()
	p.must(p.driver.visit(url), "loading "+url)
}

// travel goes so many pages forward in the window's history, or back where by is negative; 0
// loads the page again.
func (p *page) travel(by int) {
	p.t.Helper()
	p.must(p.driver.travel(by), "travelling in the history")
}

func (p *page) wheel(up int) {
	p.t.Helper()
	p.must(p.driver.wheel(up), "turning the wheel")
}

// hide has nobody see the page, and waits until the page knows.
func (p *page) hide() {
	p.t.Helper()
	p.must(p.driver.hide(), "hiding")
	p.waitFor("document.hidden", true)
}

// show is the opposite of hide.
func (p *page) show() {
	p.t.Helper()
	p.must(p.driver.show(), "showing")
	p.waitFor("document.hidden", false)
}

func (p *page) must(err error, what string) {
	p.t.Helper()
	if err != nil {
		p.t.Fatalf("%s: %v", what, err)
	}
}

// An evaluator is a page, or a tab around one.
type evaluator interface {
	helper()
	evaluate(expression string, value any)
}

// helper has a failure be told of the caller's caller.
func (p *page) helper() { p.t.Helper() }

func (p *page) evaluate(expression string, value any) {
	p.t.Helper()
	p.must(p.driver.evaluate(expression, value), expression)
}

// eval returns the value of a JavaScript expression in the page.
func eval[T any](p evaluator, expression string) (value T) {
	p.helper()
	p.evaluate(expression, &value)
	return value
}

// waitFor waits until a JavaScript expression has a value. The page may be loading meanwhile.
func (p *page) waitFor(expression string, want any) {
	p.t.Helper()
	testkit.Eventually(p.t, func() error {
		var got any
		if err := p.driver.evaluate(expression, &got); err != nil {
			return err
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			return fmt.Errorf("%s is %v, want %v", expression, got, want)
		}
		return nil
	})
}

// ask waits for what a JavaScript promise of a text comes to. Where it comes to nothing the answer is "error".
func (p *page) ask(promise string) (answer string) {
	p.t.Helper()
	p.evaluate(`void (window.answer = undefined, (`+promise+`).then(answer => { window.answer = answer }, () => { window.answer = "error" }))`, new(any))
	testkit.Eventually(p.t, func() error {
		if answer = eval[string](p, `window.answer ?? ""`); answer == "" {
			return fmt.Errorf("no answer to %s", promise)
		}
		return nil
	})
	return answer
}

var errNotHere = errors.New("the browser has ended")
