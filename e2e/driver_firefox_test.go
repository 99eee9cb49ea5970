package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/sse/internal/testkit"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// A firefox is a headless Firefox, driven through WebDriver BiDi
// (https://www.w3.org/TR/webdriver-bidi/) over a WebSocket of its own. All tests share one,
// since it takes long to start; each has windows of its own.
type firefox struct {
	cmd     *exec.Cmd
	profile string
	conn    *websocket.Conn
	ended   chan struct{} // closed when reading has ended

	mu      sync.Mutex
	lastID  int                      // mu protects this and all that follows
	waiting map[int]chan bidiMessage // commands that were sent, by their ID
	printed map[string][]string      // what pages wrote to their consoles, by context
}

// A bidiMessage is what Firefox sends: the answer to a command, or an event.
type bidiMessage struct {
	ID      int             `json:"id"`
	Type    string          `json:"type"` // success, error or event
	Result  json.RawMessage `json:"result"`
	Error   string          `json:"error"`
	Message string          `json:"message"`
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
}

var sharedFirefox = sync.OnceValues(startFirefox)

// endFirefox ends the shared Firefox after all tests. It is set once there is one.
var endFirefox = func() {}

func startFirefox() (_ *firefox, err error) {
	f := &firefox{
		ended:   make(chan struct{}),
		waiting: make(map[int]chan bidiMessage),
		printed: make(map[string][]string),
	}
	if f.profile, err = os.MkdirTemp(filepath.Dir(binary), "firefox-"); err != nil {
		return nil, err
	}
	f.cmd = exec.Command("firefox-esr", "--headless", "--no-remote", "--profile", f.profile, "--remote-debugging-port=0", "about:blank")
	f.cmd.Env = append(os.Environ(), "HOME="+f.profile)
	testkit.EndWithTest(f.cmd)
	if err := f.cmd.Start(); err != nil {
		return nil, err
	}
	exited := make(chan struct{})
	go func() {
		f.cmd.Wait()
		close(exited)
	}()
	endFirefox = func() {
		f.cmd.Process.Kill()
		<-exited
	}
	ctx, cancel := context.WithTimeout(context.Background(), browserWithin)
	defer cancel()
	url, err := firefoxURL(ctx, f.profile, exited)
	if err != nil {
		return nil, err
	}
	if f.conn, _, err = websocket.Dial(ctx, url, nil); err != nil {
		return nil, err
	}
	f.conn.SetReadLimit(-1)
	go f.read()
	type always map[string]any
	if err := f.call(ctx, "session.new", always{"capabilities": always{"alwaysMatch": always{"acceptInsecureCerts": true}}}, nil); err != nil {
		return nil, err
	}
	return f, f.call(ctx, "session.subscribe", always{"events": []string{"log.entryAdded"}}, nil)
}

// firefoxURL waits until Firefox says where it listens: on a port that it has chosen itself.
func firefoxURL(ctx context.Context, profile string, exited <-chan struct{}) (string, error) {
	for {
		var server struct {
			Port int `json:"ws_port"`
		}
		said, err := os.ReadFile(filepath.Join(profile, "WebDriverBiDiServer.json"))
		if err == nil && json.Unmarshal(said, &server) == nil { // Half of it would be no JSON.
			return fmt.Sprintf("ws://127.0.0.1:%d/session", server.Port), nil
		}
		select {
		case <-exited:
			return "", errNotHere
		case <-ctx.Done():
			return "", errors.New("it does not listen")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// read hands out what Firefox sends until the connection ends.
func (f *firefox) read() {
	defer close(f.ended)
	for {
		var m bidiMessage
		if err := wsjson.Read(context.Background(), f.conn, &m); err != nil {
			return
		}
		f.mu.Lock()
		if m.Method == "log.entryAdded" {
			f.keep(m.Params)
		}
		answer := f.waiting[m.ID]
		delete(f.waiting, m.ID)
		f.mu.Unlock()
		if answer != nil {
			answer <- m
		}
	}
}

// keep keeps a line of a console. The caller has f.mu.
func (f *firefox) keep(params json.RawMessage) {
	var entry struct {
		Level, Text string
		Source      struct{ Context string }
	}
	if err := json.Unmarshal(params, &entry); err != nil {
		entry.Level, entry.Text = "error", err.Error()
	}
	f.printed[entry.Source.Context] = append(f.printed[entry.Source.Context], entry.Level+": "+entry.Text)
}

// call sends a command and stores its result, unless that is nil.
func (f *firefox) call(ctx context.Context, method string, params, result any) error {
	answer := make(chan bidiMessage, 1)
	f.mu.Lock()
	f.lastID++
	id := f.lastID
	f.waiting[id] = answer
	f.mu.Unlock()
	err := wsjson.Write(ctx, f.conn, map[string]any{"id": id, "method": method, "params": params})
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	select {
	case m := <-answer:
		if m.Type == "error" {
			return fmt.Errorf("%s: %s: %s", method, m.Error, m.Message)
		}
		if result == nil {
			return nil
		}
		return json.Unmarshal(m.Result, result)
	case <-f.ended:
		return errNotHere
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", method, ctx.Err())
	}
}

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
