package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

func TestMain(m *testing.M) {
	// These build and run servers, perhaps with a cold cache.
	code := testkit.Main(m, map[string]time.Duration{
		"TestCtrlCLeavesNothingBehind": 15 * time.Minute, "TestShortOfFilesThereAreFewerClients": 15 * time.Minute,
		"TestWrongFlagsAreOneLine": 6 * time.Minute, "TestEveryServerIsMeasuredOverHTTPS": 15 * time.Minute,
		"TestTopicsOfEveryServerAreMeasured": 15 * time.Minute, "TestEventsOnDiskAreMeasured": 15 * time.Minute,
	})
	os.RemoveAll(programDir)
	os.Exit(code)
}

// programDir is where program puts the program, or empty until then.
var programDir string

// program returns the path of this program. It is built once for all tests, and with it all
// that the servers' programs need, so that they are there in moments.
var program = sync.OnceValues(func() (path string, err error) {
	if programDir, err = os.MkdirTemp("", "bench-test"); err != nil {
		return "", err
	}
	path = filepath.Join(programDir, "bench")
	for _, args := range [][]string{{"-o", path, "."}, {"./rivals/..."}} {
		cmd := exec.Command("go", append([]string{"build"}, args...)...)
		if output, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("go build: %w: %s", err, output)
		}
	}
	return path, nil
})

// started is this program, running.
type started struct {
	*exec.Cmd
	dir   string          // where it puts its files
	out   string          // the file that holds what it prints
	ended <-chan struct{} // closed when it has ended
}

// builtWithin is how long it may take to build a server and to measure it for a moment.
const builtWithin = 3 * time.Minute

func (s *started) output() string {
	b, _ := os.ReadFile(s.out)
	return string(b)
}

func startBench(t *testing.T, limits string, args ...string) *started {
	t.Helper()
	program, err := program()
	if err != nil {
		t.Fatal(err)
	}
	s := &started{dir: t.TempDir(), out: filepath.Join(t.TempDir(), "out")}
	out, err := os.Create(s.out)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	s.Cmd = exec.Command("sh", append([]string{"-c", limits + `exec "$0" "$@"`, program, "-out", filepath.Join(s.dir, "results")}, args...)...)
	s.Env = append(os.Environ(), "TMPDIR="+s.dir)
	s.Stdout, s.Stderr = out, out
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.Cmd.Wait()
	}()
	s.ended = ended
	t.Cleanup(func() { s.Process.Kill() }) // The kernel ends the servers then.
	return s
}

// wait returns the program's exit code.
func (s *started) wait(t *testing.T) int {
	t.Helper()
	testkit.EventuallyWithin(t, builtWithin, func() error {
		select {
		case <-s.ended:
			return nil
		default:
			return fmt.Errorf("the program runs: %s", s.output())
		}
	})
	return s.ProcessState.ExitCode()
}

// measures skips a test that builds and starts servers, where only the quick ones are asked for.
func measures(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("it builds and measures servers, which make quick does not")
	}
}

// compiles skips a test of a server whose program starts another one that has to be compiled for minutes, unless
// all rivals are asked for.
func compiles(t *testing.T, s server) {
	t.Helper()
	if s.starts == "" {
		return
	}
	if os.Getenv("ALL_RIVALS") == "" {
		t.Skip("compiling " + s.name + " takes minutes: set ALL_RIVALS=1 to test with it")
	}
	compileStarted()
}

// compileStarted compiles what the servers' programs start, once for all tests: that can take minutes. Where it
// fails the program says so and leaves the server out.
var compileStarted = sync.OnceFunc(func() {
	if _, err := program(); err != nil {
		return // The test will say so.
	}
	for _, s := range servers {
		if s.starts != "" {
			s.buildStarted(context.Background(), programDir)
		}
	}
})

// measured runs the program, and returns its folder and the report that it writes. The test is skipped where a server is
// not installed.
func measured(t *testing.T, args ...string) (dir, report string) {
	t.Helper()
	run := startBench(t, "", args...)
	if code := run.wait(t); code != 0 {
		t.Fatalf("exit code %d: %s", code, run.output())
	}
	if strings.Contains(run.output(), "left out") {
		t.Skip(run.output())
	}
	text, err := os.ReadFile(filepath.Join(run.dir, "results.md"))
	if err != nil {
		t.Fatal(err)
	}
	return run.dir, string(text)
}

// sectionOf returns the section of a report that has a title.
func sectionOf(report, title string) string {
	_, section, _ := strings.Cut(report, "### "+title+"\n")
	section, _, _ = strings.Cut(section, "\n#")
	return section
}
