package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

// A webkit is a WebKitGTK that shows one window, driven through its WebDriver
// (https://www.w3.org/TR/webdriver2/). A test has one of its own, since the driver can't have two.
type webkit struct {
	url string // the session's
}

// openWebKit starts a WebKitGTK that ends with the test.
func openWebKit(t *testing.T, width int) *page {
	t.Helper()
	path, display := needWebKit(t)
	cmd := exec.Command("WebKitWebDriver", "--port=0")
	cmd.Env = webkitEnv(t, display)
	run(t, "WebKit", cmd)
	w := new(webkit)
	t.Cleanup(func() {
		if w.url != "" {
			if err := w.do(http.MethodDelete, "", nil, nil); err != nil {
				t.Errorf("ending WebKit: %v", err)
			}
		}
	})
	// It chooses the port itself, and tells nobody.
	var addr string
	testkit.EventuallyWithin(t, browserWithin, func() error {
		for _, listener := range listeners(t, cmd.Process.Pid) {
			if host, port, _ := strings.Cut(listener, ":"); host == "0100007F" {
				var n uint16
				_, err := fmt.Sscanf(port, "%x", &n)
				addr = fmt.Sprintf("127.0.0.1:%d", n)
				return err
			}
		}
		return errors.New("WebKitWebDriver does not listen")
	})
	w.url = "http://" + addr + "/session"
	type object map[string]any
	var session struct {
		SessionID string `json:"sessionId"`
	}
	err := w.do(http.MethodPost, "", object{"capabilities": object{"alwaysMatch": object{
		"acceptInsecureCerts": true,
		"webkitgtk:browserOptions": object{
			"binary": path,
			"args":   []string{"--automation", "--javascript-can-open-windows-automatically=true"},
		},
	}}}, &session)
	if err != nil {
		w.url = ""
		t.Fatalf("starting WebKit: %v", err)
	}
	w.url += "/" + session.SessionID
	if width > 0 {
		if err := w.narrow(width); err != nil {
			t.Fatalf("opening a narrow window: %v", err)
		}
	}
	return newPage(t, w)
}

// narrow opens a popup and goes on with that: other windows have a toolbar, and are at least as
// wide as that.
func (w *webkit) narrow(width int) error {
	var opened bool
	if err := w.evaluate(fmt.Sprintf("!!open('about:blank', '', 'popup,width=%d,height=640')", width), &opened); err != nil {
		return err
	}
	if !opened {
		return errors.New("the popup was blocked")
	}
	var first string
	if err := w.do(http.MethodGet, "/window", nil, &first); err != nil {
		return err
	}
	var handles []string
	for deadline := time.Now().Add(pageWithin); len(handles) < 2; time.Sleep(20 * time.Millisecond) {
		if err := w.do(http.MethodGet, "/window/handles", nil, &handles); err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return errors.New("there is no popup")
		}
	}
	popup := handles[slices.IndexFunc(handles, func(handle string) bool { return handle != first })]
	return w.do(http.MethodPost, "/window", map[string]string{"handle": popup}, nil)
}

// webkitClient is the client of all drivers. The first of a driver's answers comes when WebKit has
// started.
var webkitClient = &http.Client{Timeout: browserWithin}

// do sends a command, and stores the value of the answer, unless that is nil.
func (w *webkit) do(method, command string, params, value any) error {
	var body io.Reader
	if method == http.MethodPost {
		b, err := json.Marshal(params)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequest(method, w.url+command, body)
	if err != nil {
		return err
	}
	resp, err := webkitClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var answer struct{ Value json.RawMessage }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return fmt.Errorf("%s %s: %w", method, command, err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s", method, command, answer.Value)
	}
	if value == nil {
		return nil
	}
	return json.Unmarshal(answer.Value, value)
}

func (w *webkit) visit(url string) error {
	return w.do(http.MethodPost, "/url", map[string]string{"url": url}, nil)
}

// travel leaves the way to the driver: a script's answer is lost when its page is gone.
func (w *webkit) travel(by int) error {
	command := map[int]string{-1: "/back", 0: "/refresh", 1: "/forward"}[by]
	return w.do(http.MethodPost, command, map[string]any{}, nil)
}

func (w *webkit) evaluate(expression string, value any) error {
	var array string
	err := w.do(http.MethodPost, "/execute/sync", map[string]any{
		"script": "return JSON.stringify([" + expression + "])",
		"args":   []any{},
	}, &array)
	if err != nil {
		return err
	}
	return unwrap(array, value)
}

func (w *webkit) wheel(up int) error {
	type object map[string]any
	return w.do(http.MethodPost, "/actions", object{"actions": []object{{
		"type": "wheel", "id": "wheel",
		"actions": []object{{"type": "scroll", "x": 300, "y": 300, "deltaX": 0, "deltaY": -up, "duration": 0, "origin": "viewport"}},
	}}}, nil)
}

func (w *webkit) hide() error {
	return w.do(http.MethodPost, "/window/minimize", map[string]any{}, nil)
}

// show gives the window a place, for which WebKit restores it.
func (w *webkit) show() error {
	return w.do(http.MethodPost, "/window/rect", map[string]int{"x": 0, "y": 0, "width": 1024, "height": 768}, nil)
}

func (w *webkit) screenshot() (png []byte, err error) {
	err = w.do(http.MethodGet, "/screenshot", nil, &png)
	return png, err
}

// console returns nothing: in automation WebKitGTK keeps its console to itself, which is why
// there is watchWebKit.
func (w *webkit) console() ([]string, error) { return nil, nil }

// watchWebKit is engine.watch. The WebKitGTK that it starts is not in automation, and prints its
// console.
func watchWebKit(t *testing.T, url string) func() []string {
	t.Helper()
	path, display := needWebKit(t)
	// Its processes would keep what they print until they have some kilobytes.
	cmd := exec.Command("stdbuf", "-oL", path, "--enable-write-console-messages-to-stdout=true", url)
	cmd.Env = webkitEnv(t, display)
	printed := run(t, "WebKit", cmd)
	return func() (lines []string) {
		for line := range strings.Lines(printed.String()) {
			if strings.Contains(line, "CONSOLE ") {
				lines = append(lines, line)
			}
		}
		return lines
	}
}
