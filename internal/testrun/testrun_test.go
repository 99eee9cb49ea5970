package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

func TestMain(m *testing.M) {
	if os.Getenv("TESTRUN_AS_MAIN") != "" {
		main()
		return
	}
	os.Exit(testkit.Main(m, map[string]time.Duration{"TestEveryKindOfFailureIsCountedAndNamed": 5 * time.Minute}))
}

// testrun runs this program, and returns what it prints and its exit code.
func testrun(t *testing.T, args ...string) (output string, code int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), "TESTRUN_AS_MAIN=1")
	testkit.EndWithTest(cmd)
	out, _ := cmd.CombinedOutput()
	return string(out), cmd.ProcessState.ExitCode()
}

// module writes a module with a test file in each of its packages, and returns its folder.
func module(t *testing.T, tests map[string]string) (folder string) {
	t.Helper()
	folder = t.TempDir()
	write := func(name, content string) {
		name = filepath.Join(folder, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module example.com/sse/victim\n\ngo 1.26\n")
	for name, content := range tests {
		write(name+"/x_test.go", "package x\n\nimport (\n\"os\"\n\"testing\"\n)\n\nvar _ = os.Exit\n\n"+content+"\n")
	}
	return folder
}

func TestEveryKindOfFailureIsCountedAndNamed(t *testing.T) {
	if testing.Short() {
		t.Skip("go test has to compile")
	}
	output, code := testrun(t, "-rounds", "2", "-busy", module(t, map[string]string{
		"mixed": `func TestA(t *testing.T) {}
			func TestB(t *testing.T) { t.Run("sub", func(t *testing.T) { t.Error("wrong on purpose") }) }
			func TestC(t *testing.T) { t.Skip("nginx is not here: install it") }
			func TestD(t *testing.T) { t.Run("sub", func(t *testing.T) { t.Skip("curl is not here") }) }`,
		"panics": `func TestA(t *testing.T) { panic("a panic on purpose") }`,
		"broken": `func TestA(t *testing.T) { nothing() }`,
		"ends":   `func TestA(t *testing.T) { os.Exit(3) }`,
	}))
	for _, want := range []string{
		"PASS victim/mixed.TestA (",
		"PASS victim/mixed.TestD (",
		"FAIL victim/mixed.TestB\n",
		"wrong on purpose",
		"SKIP victim/mixed.TestC: nginx is not here: install it\n",
		"panic: a panic on purpose",
		"undefined: nothing",
		"\nfailed in 2 of 2 rounds: victim/mixed.TestB\n    x_test.go:11: wrong on purpose\n",
		"\nfailed in 2 of 2 rounds: victim/panics.TestA\n",
		"\nfailed in 2 of 2 rounds: victim/ends",
		"\nskipped, curl is not here: victim/mixed.TestD/sub\n",
		"\nskipped, nginx is not here: install it: victim/mixed.TestC\n",
	} {
		if !strings.Contains(output, want) {
			t.Errorf("no %q", want)
		}
	}
	if code != 1 || !strings.HasSuffix(output, "\n4 passed, 8 failed, 4 skipped\n") {
		t.Errorf("exit code %d", code)
	}
	if t.Failed() {
		t.Log(output)
	}
}

func TestAFolderWithoutTestsFails(t *testing.T) {
	for _, folder := range []string{t.TempDir(), filepath.Join(t.TempDir(), "nothing")} {
		output, code := testrun(t, folder)
		if code != 1 || !strings.HasSuffix(output, "\n0 passed, 1 failed, 0 skipped\n") {
			t.Errorf("exit code %d:\n%s", code, output)
		}
	}
}

func TestWrongFlagsAreExit2(t *testing.T) {
	for _, args := range [][]string{{"-rounds", "0", "."}, {}, {"-unknown", "."}} {
		if output, code := testrun(t, args...); code != 2 {
			t.Errorf("%q: exit code %d:\n%s", args, code, output)
		}
	}
}
