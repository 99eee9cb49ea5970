package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A module that has found a home is moved there at once, whole: it builds under its new path, and
// moved back it is what it was, to the byte.
func TestMoveGivesTheModuleAnotherPath(t *testing.T) {
	t.Parallel()
	need(t, "make", "apt-get install make")
	dir := copyOfTheRepository(t)
	before := filesOf(t, dir)
	run := func(command string, args ...string) string {
		t.Helper()
		cmd := exec.Command(command, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", command, strings.Join(args, " "), err, out)
		}
		return strings.TrimSpace(string(out))
	}

	from := run("go", "list", "-m")
	to := "gitlab.example.net/" + "some_one/sse.v2" // in two pieces, or this file would be changed on the way back
	run("make", "move", "MODULE="+to)
	moved := filesOf(t, dir)
	if len(moved) != len(before) {
		t.Errorf("of %d files there are %d", len(before), len(moved))
	}
	for file, content := range moved {
		if bytes.Contains(content, []byte(from)) {
			t.Errorf("%s still says %s", file, from)
		}
	}
	if unformatted := run("gofmt", "-l", "."); unformatted != "" {
		t.Errorf("gofmt would change %s", unformatted)
	}
	run("go", "build", "./...")
	run("go", "vet", "./...")
	for module, path := range map[string]string{".": to, "e2e": to + "/e2e", "bench": to + "/bench"} {
		if got := run("go", "-C", module, "list", "-m"); got != path {
			t.Errorf("%s is module %s", module, got)
		}
		run("go", "-C", module, "list", "-test", "-deps", "./...") // It finds all that is imported.
	}

	run("make", "move", "MODULE="+from)
	for file, content := range filesOf(t, dir) {
		if !bytes.Equal(content, before[file]) {
			t.Errorf("%s is not what it was", file)
		}
	}
	for _, wrong := range []string{"", "a b", "`touch wrong`", "a;touch wrong"} {
		cmd := exec.Command("make", "move", "MODULE="+wrong)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err == nil {
			t.Errorf("it moves to %q: %s", wrong, out)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "wrong")); err == nil {
		t.Error("a path is run as a command")
	}
}

// filesOf returns the contents of the files below a folder.
func filesOf(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := make(map[string][]byte)
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err == nil {
			files[name], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
