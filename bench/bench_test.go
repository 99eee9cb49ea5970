package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"example.com/sse/bench/load"
	"example.com/sse/bench/rivals/demo"
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

func TestCtrlCLeavesNothingBehind(t *testing.T) {
	measures(t)
	for _, test := range []struct{ server, kind, serving string }{
		{limit, "calm", "-addr"}, {"nchan", "calm", "nginx: worker"}, {"centrifugo", "calm", "--config"}, {proxied, "https", "nginx: worker"},
	} {
		t.Run(test.server, func(t *testing.T) {
			chosen, err := choose(test.server)
			if err != nil {
				t.Fatal(err)
			}
			compiles(t, chosen[0])
			s := startBench(t, "", "-servers", test.server, "-clients", "90", "-duration", "10m", "-only", test.kind)
			var pids []int
			testkit.EventuallyWithin(t, builtWithin, func() (err error) {
				pids, _, err = demo.Descendants(s.Process.Pid)
				for _, pid := range pids {
					line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
					if strings.Contains(string(line), test.serving) {
						return nil
					}
				}
				if strings.Contains(s.output(), "left out") {
					t.Skip(s.output())
				}
				return fmt.Errorf("no server runs: %v, %s", err, s.output())
			})
			s.Process.Signal(os.Interrupt)
			if code := s.wait(t); code != 1 {
				t.Errorf("exit code %d, want 1", code)
			}
			for _, pid := range pids {
				testkit.Eventually(t, func() error { // until its parent has taken note of its end
					if syscall.Kill(pid, 0) == nil {
						return fmt.Errorf("process %d still runs", pid)
					}
					return nil
				})
			}
			if left, _ := filepath.Glob(s.dir + "/*"); len(left) > 0 {
				t.Errorf("left %q", left)
			}
		})
	}
}

func TestWrongFlagsAreOneLine(t *testing.T) {
	for _, test := range []struct{ args, want string }{
		{"-servers nobody", "bench: -servers: no server is named \"nobody\"\n"},
		{"-only nothing", "bench: -only: no kind of run is named \"nothing\"\n"},
		{"-clients 0", "bench: -clients, -interval, -duration and -rounds must be positive\n"},
		{"-rounds -1", "bench: -clients, -interval, -duration and -rounds must be positive\n"},
	} {
		s := startBench(t, "", strings.Fields(test.args)...)
		if code := s.wait(t); code != 2 || s.output() != test.want {
			t.Errorf("%s: exit code %d, %q, want 2, %q", test.args, code, s.output(), test.want)
		}
	}
}

func TestEveryServerIsMeasuredOverHTTPS(t *testing.T) {
	measures(t)
	// One after another: each within the limit.
	for _, s := range servers {
		if !s.speaks(load.HTTPS2) {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			compiles(t, s)
			run := startBench(t, "", "-servers", s.name, "-only", "https", "-clients", "45", "-rounds", "1", "-interval", "200ms", "-duration", "1s")
			if code := run.wait(t); code != 0 {
				t.Fatalf("exit code %d: %s", code, run.output())
			}
			if strings.Contains(run.output(), "left out") {
				t.Skip(run.output())
			}
			report, err := os.ReadFile(filepath.Join(run.dir, "results.md"))
			if err != nil {
				t.Fatal(err)
			}
			sections := []string{"10 clients over HTTPS, HTTP/1.1, an event each 100ms", "10 clients over HTTPS, HTTP/2, an event each 100ms"}
			if s.name == proxied {
				sections = sections[1:]
			}
			for _, title := range sections {
				_, section, _ := strings.Cut(string(report), "### "+title+"\n")
				section, _, _ = strings.Cut(section, "\n#")
				for _, row := range []string{"delivered a second", "CPU per delivered event, µs", "memory per client, KiB", "CPU per connect, µs", "events lost"} {
					m := regexp.MustCompile(`(?m)^\| ` + row + ` \| ([\d.,-]+).* \|$`).FindStringSubmatch(section)
					if m == nil || row == "events lost" && m[1] != "0" {
						t.Errorf("%s: %s: got %q in\n%s", title, row, m, section)
					}
				}
			}
		})
	}
}

func TestShortOfFilesThereAreFewerClients(t *testing.T) {
	measures(t)
	s := startBench(t, "ulimit -n 600; ", "-servers", "limit", "-only", "calm", "-rounds", "1", "-interval", "100ms", "-duration", "300ms")
	if code := s.wait(t); code != 0 {
		t.Fatalf("exit code %d: %s", code, s.output())
	}
	for _, want := range []string{
		"A process may open 600 files here, so there are 200 clients instead of 9000 (ulimit -Hn).\n",
		"200 clients, an event each 100ms",
	} {
		if !strings.Contains(s.output(), want) {
			t.Errorf("said %s, want %q in it", s.output(), want)
		}
	}
	for name, want := range map[string]string{"results.md": "| delivered a second | ", "results.svg": "</svg>"} {
		if b, err := os.ReadFile(filepath.Join(s.dir, name)); err != nil || !strings.Contains(string(b), want) {
			t.Errorf("%s: %v, %.100q, want %q in it", name, err, b, want)
		}
	}
}

func TestCostIsThatOfAClientTimesTheBrowsers(t *testing.T) {
	r := &results{options: options{clients: 9000}, servers: servers, figures: map[string]map[string][]float64{}}
	r.add(server{name: this}, figures{"https2/memory": 52.4288, "https2/cpu": 16})
	r.add(server{name: proxied}, figures{"https2/memory": 62.91456, "https2/cpu": 21, "https2/cpu-nginx": 14})
	cost := r.cost()
	for _, want := range []string{
		"| memory, GiB | – | – | 5 | 6 |\n", "| of them nginx | – | – | – | 1.40 |\n",
		"Over HTTP/2 they take 5 GiB and 1.60 cores on this server alone, and with nginx in front 6 GiB and 2.10 cores on both together.",
	} {
		if !strings.Contains(cost, want) {
			t.Errorf("got %s, want %q in it", cost, want)
		}
	}
}

func TestMoreThanIsPublishedIsNotAskedFor(t *testing.T) {
	for _, test := range []struct {
		own, rival float64
		want       string
	}{
		{8e6, 0.4e6, "20, 0.80 of it yes"},
		{8e6, 0.5e6, "16, 0.80 of it NO"},
		{9.6e6, 0.5e6, "19.2, 0.96 of it NO"},
		{9.7e6, 0.5e6, "19.4, 0.97 of it yes"},
	} {
		r := &results{options: options{clients: 9000}, servers: servers, figures: map[string]map[string][]float64{}}
		r.add(server{name: this}, figures{"overload/rate": test.own})
		r.add(server{name: "nchan"}, figures{"overload/rate": test.rival})
		if b := r.overloadBar(); b.value+" "+b.verdict() != test.want {
			t.Errorf("%v beside %v: %s %s, want %s", test.own, test.rival, b.value, b.verdict(), test.want)
		}
	}
}

func TestBarsAreCheckedAgainstTheMedianOfTheRounds(t *testing.T) {
	r := &results{options: options{clients: 9000}, servers: servers, figures: map[string]map[string][]float64{}}
	for _, cpu := range []float64{3, 1, 2} {
		r.add(server{name: this}, figures{
			"many/cpu": cpu, "overload/lost": 0, "busy/lost": 3 - cpu,
			"https2/cpu": 10.2, "https2/memory": 44, "most/memory": 2.5, "few/memory": 2.4, "many-again/resume": 500,
		})
		r.add(server{name: seed}, figures{"many/cpu": 4, "many-again/resume": 400, "many-again/lost": 9000})
		r.add(server{name: "go-sse"}, figures{"many/cpu": 2, "https2/cpu": 10, "https2/memory": 60, "many-again/resume": 500, "many-again/lost": 0})
		r.add(server{name: "nchan"}, figures{"https2/cpu": 9, "https2/memory": 43, "many/memory": 14})
		r.add(server{name: proxied}, figures{"https2/cpu": 10.2, "https2/memory": 40})
	}
	wantBars(t, r.checks(), map[string]string{
		"CPU per delivered event, 9000 clients: at most 0.80 of the seed's":                                  "0.50 yes",
		"CPU per delivered event, 9000 clients: below every rival's":                                         "2, the best rival's 2 NO",
		"CPU per delivered event, 9000 clients: at most 1.35 of the limit's":                                 "– unknown",
		"CPU per delivered event over HTTPS, HTTP/2: at most 1.03 of the best Go rival's":                    "1.02 yes", // nchan is not Go.
		"CPU per delivered event over HTTPS, HTTP/2: below nginx and this server behind it":                  "10.2, theirs 10.2 NO",
		"memory per client over HTTPS, HTTP/2: at most 45 KiB":                                               "44 yes",
		"memory per client over HTTPS, HTTP/2: below every rival's":                                          "44, the best rival's 43 NO", // proxied is no rival.
		"memory per client, 18000 clients: below every rival's":                                              "2.50, the best rival's 14 yes",
		"growth, 1000 to 18000 clients: no more memory per client":                                           "1.04 NO",
		"reconnect, 9000 clients: all have resumed no later than with the best rival that loses nothing, ms": "500, its 500 yes",
		"overload, events lost: 0": "2 NO", // the worst round
		"overload at 100 µs, delivered a second: at least 25 times the seed's": "– unknown",
	})
}

// wantBars fails where bars do not have some values and verdicts, which are named by figure and bar.
func wantBars(t *testing.T, bars []bar, want map[string]string) {
	t.Helper()
	got := make(map[string]string)
	for figure, b := range named(bars) {
		got[figure+": "+b.bar] = b.value + " " + b.verdict()
	}
	for name, want := range want {
		if got[name] != want {
			t.Errorf("%s: got %q, want %q", name, got[name], want)
		}
	}
}
