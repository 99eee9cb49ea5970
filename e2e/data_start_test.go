package e2e

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"example.com/sse/internal/testkit"
)

// refuse starts a program that can't use its directory, perhaps as another user, and returns the line that it ends with.
func refuse(t *testing.T, program, dir string, as *syscall.Credential) string {
	t.Helper()
	cmd := exec.CommandContext(limited(t), program, "-addr", testkit.FreeAddr(t), "-data", dir)
	if as != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	}
	line := refusal(t, 1, "sse: -data: ", cmd)
	if !strings.Contains(line, dir) {
		t.Errorf("%q does not name %s", line, dir)
	}
	return line
}

func TestDirectoryThatCannotBeUsedIsOneLineAndExitCode1(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := startData(t, filepath.Join(dir, "events"))
	if line := refuse(t, binary, filepath.Join(dir, "events"), nil); !strings.Contains(line, "in use by another process") {
		t.Errorf("a directory in use: %s", line)
	}
	s.publish("", "it goes on")
	s.stop()
	refuse(t, binary, filepath.Join(newFile(t, "file", ""), "below"), nil)
	file := filepath.Join(dir, "events", "events.db")
	events := read(t, file)
	for what, contents := range map[string]string{
		"cut off": events[:3*4096], "empty": "", "zeroed": strings.Repeat("\x00", len(events)), "not ours": "hello\n",
		"zeroed but for its beginning": events[:2*4096] + strings.Repeat("\x00", len(events)-2*4096),
	} {
		write(t, file, contents)
		if line := refuse(t, binary, filepath.Dir(file), nil); !strings.Contains(line, "put a backup in its place, or move it away to begin without events") {
			t.Errorf("a file that is %s: %s", what, line)
		}
		if read(t, file) != contents {
			t.Errorf("a file that is %s is another now", what)
		}
	}
}

func TestDirectoryThatCannotBeWrittenIsOneLineAndExitCode1(t *testing.T) {
	t.Parallel()
	// A directory of a test is for its user alone, so that another user can't even look into it.
	dir, err := os.MkdirTemp("", "sse-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	// Where root runs the tests the server runs as another user, since root may write everywhere.
	var as *syscall.Credential
	if os.Getuid() == 0 {
		as = &syscall.Credential{Uid: 65534, Gid: 65534, NoSetGroups: true}
	}
	program := filepath.Join(dir, "sse")
	if err := errors.Join(os.Link(binary, program), os.Chmod(dir, 0o555)); err != nil {
		t.Fatal(err)
	}
	for _, events := range []string{dir, filepath.Join(dir, "events")} {
		if line := refuse(t, program, events, as); !strings.Contains(line, "permission denied") {
			t.Error(line)
		}
	}
}

// While a server loads what is on its disk it serves already, and says that it is not ready.
func TestHealthSaysThatTheEventsAreLoaded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := startData(t, dir, "-history", "268435456")
	var publishing sync.WaitGroup
	data := strings.Repeat("x", largestBody)
	for range 16 {
		publishing.Go(func() {
			for range 60 { // as many megabytes in all
				if a := s.post(post{data: data}); a.status != http.StatusNoContent {
					t.Error(a)
				}
			}
		})
	}
	testkit.Return(t, publishing.Wait, "the publishers' end")
	testkit.Eventually(t, func() error { // It may be loaded before somebody has asked.
		s.kill()
		s.restart()
		for states := ""; ; {
			resp, err := testkit.Client.Get(s.url + "/healthz")
			if err != nil {
				return err
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			switch state := fmt.Sprint(resp.StatusCode, " ", string(body)); {
			case err != nil:
				return err
			case state == "503 loading the events":
				states = state
			case state != "200 ok":
				t.Fatal(state)
			case states == "":
				return errors.New("it was never loading")
			default:
				return nil
			}
		}
	})
}
