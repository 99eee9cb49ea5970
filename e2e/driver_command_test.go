package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"example.com/sse/internal/testkit"
)

// limited returns a context that ends with the test, and after testkit.Limit.
func limited(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Limit)
	t.Cleanup(cancel)
	return ctx
}

// read returns what a file holds.
func read(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// write has a file hold something.
func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// newFile writes a file of a name in a folder of its own, and returns its path.
func newFile(t *testing.T, name, content string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	write(t, path, content)
	return path
}

// replace replaces what a file holds at once, as an operator should.
func replace(t *testing.T, file, content string) {
	t.Helper()
	write(t, file+".new", content)
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

// A lockedBuffer collects what a process prints while others read it.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer // mu protects it
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// Print adds a line, as a *log.Logger does.
func (b *lockedBuffer) Print(v ...any) { fmt.Fprintln(b, v...) }

// Println is Print.
func (b *lockedBuffer) Println(v ...any) { b.Print(v...) }

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.TrimSpace(b.buf.String())
}

// tail returns the last lines, without those that say that clients come and go, and without
// the stacks that SIGQUIT prints.
func (b *lockedBuffer) tail(n int) string {
	text, _, _ := strings.Cut(b.String(), "SIGQUIT")
	lines := slices.DeleteFunc(strings.Split(text, "\n"), func(line string) bool {
		return strings.HasSuffix(line, "registered clients")
	})
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// run starts a command that ends with the test, and returns what it prints. When the test has failed,
// the last lines of that are logged.
func run(t *testing.T, name string, cmd *exec.Cmd) *lockedBuffer {
	t.Helper()
	printed := new(lockedBuffer)
	cmd.Stdout, cmd.Stderr = printed, printed
	testkit.EndWithTest(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("%s printed at last:\n%s", name, printed.tail(40))
		}
	})
	return printed
}

// refusal runs a command that is to refuse its work: it ends with an exit code and one line, which refusal returns, and
// prints nothing else. The line begins with some words, and does not tell the secret.
func refusal(t *testing.T, code int, begins string, cmd *exec.Cmd) (line string) {
	t.Helper()
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Run()
	if got := cmd.ProcessState.ExitCode(); got != code {
		t.Errorf("exit code %d, want %d", got, code)
	}
	line = stderr.String()
	if strings.Count(line, "\n") != 1 || !strings.HasPrefix(line, begins) || strings.Contains(line, secret) || stdout.Len() > 0 {
		t.Errorf("%q prints %q, and as output %q", cmd.Args, line, stdout.String())
	}
	return line
}

// curl runs curl, which takes any certificate and ends within testkit.Limit, and returns what it prints.
func curl(t *testing.T, args ...string) (printed string, err error) {
	t.Helper()
	out, err := curlCommand(limited(t), args...).Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		err = fmt.Errorf("%w: %s", err, exit.Stderr)
	}
	return string(out), err
}

// curlStatus runs curl, and returns the version of HTTP that it speaks and the status that it is answered.
func curlStatus(t *testing.T, args ...string) string {
	t.Helper()
	printed, err := curl(t, append(args, "--output", "/dev/null", "--write-out", "%{http_version} %{http_code}")...)
	if err != nil {
		t.Errorf("curl %.100q: %v", args, err)
	}
	return printed
}

// curlStream returns what curl reads of a stream, for the strict parser. curl ends with the test, and within testkit.Limit.
func curlStream(t *testing.T, args ...string) *testkit.Parser {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Limit)
	cmd := curlCommand(ctx, args...)
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		cmd.Wait()
	})
	return testkit.NewParser(stdout)
}

func curlCommand(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "curl", append([]string{"--silent", "--show-error", "--no-buffer", "--globoff", "--insecure"}, args...)...)
	testkit.EndWithTest(cmd)
	return cmd
}
