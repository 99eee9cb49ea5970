package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A firefoxWindow is a window of the shared Firefox. It drives the window's first tab.
type firefoxWindow struct {
	*firefox
	context string // the tab's
	cover   string // the tab that hides it, or ""
	pages   int    // how many it was to load
}

// openFirefox opens a window of the shared Firefox.
func openFirefox(t *testing.T, width int) *page {
	t.Helper()
	return newPage(t, newFirefoxWindow(t, width))
}

func newFirefoxWindow(t *testing.T, width int) *firefoxWindow {
	t.Helper()
	need(t, "firefox-esr", "apt-get install firefox-esr")
	f, err := sharedFirefox()
	if err != nil {
		t.Fatalf("starting Firefox: %v", err)
	}
	w := &firefoxWindow{firefox: f}
	if w.context, err = w.create(map[string]any{"type": "window"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.do("browsingContext.close", map[string]any{}, nil); err != nil {
			t.Errorf("closing the window: %v", err)
		}
		if w.cover != "" {
			w.show()
		}
	})
	if width > 0 {
		err := w.do("browsingContext.setViewport", map[string]any{"viewport": map[string]int{"width": width, "height": 640}}, nil)
		if err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// do sends a command about the tab.
func (w *firefoxWindow) do(method string, params map[string]any, result any) error {
	ctx, cancel := context.WithTimeout(context.Background(), pageWithin)
	defer cancel()
	params["context"] = w.context
	return w.call(ctx, method, params, result)
}

// create opens a tab, in a window of its own or not, and returns its context.
func (w *firefoxWindow) create(params map[string]any) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), pageWithin)
	defer cancel()
	var created struct{ Context string }
	err := w.call(ctx, "browsingContext.create", params, &created)
	return created.Context, err
}

func (w *firefoxWindow) visit(url string) error {
	w.pages++
	return w.do("browsingContext.navigate", map[string]any{"url": url, "wait": "complete"}, nil)
}

func (w *firefoxWindow) travel(by int) error {
	w.pages++
	return w.evaluate(fmt.Sprintf("void setTimeout(() => history.go(%d))", by), new(any))
}

func (w *firefoxWindow) evaluate(expression string, value any) error {
	ctx, cancel := context.WithTimeout(context.Background(), pageWithin)
	defer cancel()
	var evaluated struct {
		Result           struct{ Value string }
		ExceptionDetails struct{ Text string }
	}
	err := w.call(ctx, "script.evaluate", map[string]any{
		"expression":   "JSON.stringify([" + expression + "])",
		"target":       map[string]string{"context": w.context},
		"awaitPromise": false,
	}, &evaluated)
	if err != nil {
		return err
	}
	if text := evaluated.ExceptionDetails.Text; text != "" {
		return errors.New(text)
	}
	return unwrap(evaluated.Result.Value, value)
}

// unwrap stores the one value of a JSON array: undefined has no JSON of its own, but is null
// in an array.
func unwrap(array string, value any) error {
	return json.Unmarshal([]byte(array), &[]any{value})
}

func (w *firefoxWindow) wheel(up int) error {
	type object map[string]any
	return w.do("input.performActions", map[string]any{"actions": []object{{
		"type": "wheel", "id": "wheel",
		"actions": []object{{"type": "scroll", "x": 300, "y": 300, "deltaX": 0, "deltaY": -up}},
	}}}, nil)
}

// hide puts another tab in front.
func (w *firefoxWindow) hide() (err error) {
	w.cover, err = w.create(map[string]any{"type": "tab", "referenceContext": w.context})
	return err
}

func (w *firefoxWindow) show() error {
	ctx, cancel := context.WithTimeout(context.Background(), pageWithin)
	defer cancel()
	cover := w.cover
	w.cover = ""
	return w.call(ctx, "browsingContext.close", map[string]any{"context": cover}, nil)
}

func (w *firefoxWindow) screenshot() ([]byte, error) {
	var shot struct{ Data []byte }
	err := w.do("browsingContext.captureScreenshot", map[string]any{}, &shot)
	return shot.Data, err
}

func (w *firefoxWindow) console() (lines []string, err error) {
	// Events keep their order, so what comes before this answer has been kept after it.
	if err := w.evaluate("0", new(int)); err != nil {
		return nil, err
	}
	for _, line := range w.lines() {
		// Firefox 140 says so of every stream of a page that the reader leaves, before the page
		// can close it.
		if w.pages > 1 && strings.HasSuffix(line, "was interrupted while the page was loading.") {
			continue
		}
		if strings.HasPrefix(line, "warn") || strings.HasPrefix(line, "error") {
			lines = append(lines, line)
		}
	}
	return lines, nil
}

// lines returns all that the page has written to its console so far.
func (w *firefoxWindow) lines() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.printed[w.context])
}

// watchFirefox is engine.watch.
func watchFirefox(t *testing.T, url string) func() []string {
	w := newFirefoxWindow(t, 0)
	if err := w.visit(url); err != nil {
		t.Fatal(err)
	}
	return w.lines
}
