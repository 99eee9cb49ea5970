package files

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A pipe, as in -publish-token-file <(pass token), has nothing more to say, and opening a named one again
// would block.
func TestPipeIsReadOnce(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no named pipes among the files")
	}
	log := captureLog(t)
	read, feed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { read.Close() })
	fmt.Fprint(feed, "1")
	feed.Close()
	name := fmt.Sprintf("/dev/fd/%d", read.Fd())
	if _, err := os.Stat(name); err != nil {
		t.Skip("there is no /dev/fd")
	}
	synctest.Test(t, func(t *testing.T) {
		value, err := Open("numbers", joined, name)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			time.Sleep(lookAgainAfter)
			if got := value.Get(); got != "1" {
				t.Errorf("got %q", got)
			}
		}
	})
	if log.Len() > 0 {
		t.Errorf("the log says %q", log)
	}
}

func TestFilesThatCannotBeUsedAreAnError(t *testing.T) {
	dir := t.TempDir()
	empty, large := filepath.Join(dir, "empty"), filepath.Join(dir, "large")
	write(t, empty, "")
	write(t, large, strings.Repeat("x", maxSize+1))
	for file, word := range map[string]string{empty: "nothing", large: large, dir: dir, filepath.Join(dir, "missing"): "missing"} {
		if value, err := Open("numbers", joined, file); err == nil || value != nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v", file, err)
		}
	}
	write(t, large, strings.Repeat("x", maxSize))
	if _, err := Open("numbers", joined, large); err != nil {
		t.Error(err)
	}
}

func TestFileThatOthersMayReadIsAWarning(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such mode")
	}
	file := filepath.Join(t.TempDir(), "secret")
	write(t, file, "swordfish")
	for mode, want := range map[os.FileMode]bool{0o600: false, 0o440: false, 0o644: true, 0o604: true} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		if got := Exposed(file, "fish"); (got != "") != want || want && (!strings.Contains(got, file) || !strings.Contains(got, "can fish")) {
			t.Errorf("%v: %q", mode, got)
		}
	}
	if got := Exposed(os.DevNull, "fish"); got != "" {
		t.Errorf("no regular file: %q", got)
	}
}
