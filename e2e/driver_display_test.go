package e2e

import (
	"bytes"
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
)

// sharedDisplay starts the X server that all tests share, once, and returns its name. All that
// shows windows there ends with it.
var sharedDisplay = sync.OnceValues(func() (string, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return "", err
	}
	defer read.Close()
	// When its last client leaves it would reset itself, and refuse whoever comes meanwhile.
	cmd := exec.Command("Xvfb", "-displayfd", "3", "-noreset", "-screen", "0", "1280x1024x24", "-nolisten", "tcp")
	cmd.ExtraFiles = []*os.File{write}
	testkit.EndWithTest(cmd)
	err = cmd.Start()
	write.Close()
	if err != nil {
		return "", err
	}
	endDisplay = func() {
		cmd.Process.Kill()
		cmd.Wait()
	}
	// The display's number comes in pieces, and only the line's end tells that it is whole.
	read.SetReadDeadline(time.Now().Add(pageWithin))
	var line []byte
	for !bytes.HasSuffix(line, []byte("\n")) {
		var piece [8]byte
		n, err := read.Read(piece[:])
		if err != nil {
			return "", fmt.Errorf("reading the display's number: %w", err)
		}
		line = append(line, piece[:n]...)
	}
	return ":" + strings.TrimSpace(string(line)), nil
})

// endDisplay ends the X server after all tests. It is set once there is one.
var endDisplay = func() {}

// Where Debian has WebKitGTK's browser for tests.
const miniBrowsers = "/usr/lib/*/webkit2gtk-4*/MiniBrowser"

// needWebKit returns the path of WebKitGTK's MiniBrowser and a display for it, or skips the test.
func needWebKit(t *testing.T) (path, display string) {
	t.Helper()
	need(t, "WebKitWebDriver", "apt-get install webkit2gtk-driver")
	need(t, "Xvfb", "apt-get install xvfb")
	paths, err := filepath.Glob(miniBrowsers)
	if err != nil || len(paths) == 0 {
		need(t, miniBrowsers, "apt-get install webkit2gtk-driver")
	}
	if display, err = sharedDisplay(); err != nil {
		t.Fatalf("starting Xvfb: %v", err)
	}
	return paths[0], display
}

// webkitEnv returns an environment with a profile of its own. What still writes there after it
// was killed is no fault.
func webkitEnv(t *testing.T, display string) []string {
	t.Helper()
	home, err := os.MkdirTemp(filepath.Dir(binary), "webkit-")
	if err != nil {
		t.Fatal(err)
	}
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "XDG_") })
	return append(env, "DISPLAY="+display, "HOME="+home)
}
