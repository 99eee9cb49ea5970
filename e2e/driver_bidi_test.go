package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
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
