package testkit

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A Mistake is one that a model must find: a piece of a package's source that stands in it once, and what the mistake
// makes of that piece. In Wrong MISTAKEN stands for whether the mistake is made.
type Mistake = struct{ Name, File, Right, Wrong string }

// MistakeVariable is the environment's variable that says which mistake a test's process makes; it is unset where
// the process makes none.
const MistakeVariable = "TEST_MISTAKE"

// FindMistakes checks that a test of the package in the working directory finds all of some mistakes, and nothing
// where none is made. With -short it skips t.
func FindMistakes(t *testing.T, test string, mistakes []Mistake) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: the mistakes are not built")
	}
	binary := buildMistakes(t, mistakes)
	run := func(t *testing.T, environment ...string) (output string, err error) {
		model := exec.CommandContext(t.Context(), binary, "-test.run=^"+test+"$")
		model.Env = append(os.Environ(), environment...)
		b, err := model.CombinedOutput()
		return string(b), err
	}
	for _, m := range mistakes {
		t.Run(m.Name, func(t *testing.T) {
			output, err := run(t, MistakeVariable+"="+m.Name)
			if err == nil || !strings.Contains(output, "FAIL: "+test) && !strings.Contains(output, "panic: ") {
				t.Errorf("it is not found: %v: %.500s", err, output)
			}
			t.Logf("%.300s", output)
		})
	}
	t.Run("none", func(t *testing.T) {
		if output, err := run(t); err != nil {
			t.Errorf("%v: %.500s", err, output)
		}
	})
}

// buildMistakes builds the package's tests with all mistakes in its source, none of which is made by itself, and
// returns the binary.
func buildMistakes(t *testing.T, mistakes []Mistake) (binary string) {
	t.Helper()
	dir := t.TempDir()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	sources := map[string]string{"mistakes.go": fmt.Sprintf("package %s\n\nimport \"os\"\n\nvar mistaken = os.Getenv(%q)\n", filepath.Base(here), MistakeVariable)}
	for _, m := range mistakes {
		if sources[m.File] == "" {
			source, err := os.ReadFile(m.File)
			if err != nil {
				t.Fatal(err)
			}
			sources[m.File] = string(source)
		}
		if n := strings.Count(sources[m.File], m.Right); n != 1 {
			t.Fatalf("%s has %q %d times, want once", m.File, m.Right, n)
		}
		wrong := strings.ReplaceAll(m.Wrong, "MISTAKEN", fmt.Sprintf("(mistaken == %q)", m.Name))
		sources[m.File] = strings.Replace(sources[m.File], m.Right, wrong, 1)
	}
	replace := make(map[string]string) // what go help build calls an overlay
	for name, source := range sources {
		replace[filepath.Join(here, name)] = filepath.Join(dir, name)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	binary = filepath.Join(dir, "mistaken.test.exe")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-overlay", filepath.Join(dir, "overlay.json"), "-o", binary, ".")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	return binary
}
