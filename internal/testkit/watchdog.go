package testkit

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Budget is how long a top-level test may run, unless Main is told otherwise.
const Budget = 60 * time.Second

const (
	// watchedVariable is set in the environment of the process that runs the tests.
	watchedVariable = "TESTKIT_WATCHED"

	// lookEvery is how often the watchdog looks at what runs.
	lookEvery = 50 * time.Millisecond

	// dumpWithin is how long a process may take to print its goroutines.
	dumpWithin = 20 * time.Second
)

// Main runs a suite's tests and returns the exit code, like Run of a [testing.M]. It is for
// TestMain. A test that runs longer than its budget fails by name, with all goroutines, and the
// others go on. budgets has those of top-level tests that need more than [Budget]; the time
// during which a parallel test waits for its turn does not count.
//
// For that, Main starts the test binary again as a process of its own, which alone calls m.Run,
// and reads what that prints. Only the death of the process ends a test that hangs: then another
// process runs the tests that have not ended. Benchmarks and fuzzing are not watched.
func Main(m interface{ Run() int }, budgets map[string]time.Duration) int {
	if os.Getenv(watchedVariable) != "" {
		os.Unsetenv(watchedVariable) // A test may start a test binary itself.
		return m.Run()
	}
	flag.Parse()
	for _, name := range []string{"test.bench", "test.fuzz", "test.list", "test.cpu"} {
		if flag.Lookup(name).Value.String() != "" {
			return m.Run()
		}
	}
	if flag.Lookup("test.fuzzworker").Value.String() == "true" {
		return m.Run()
	}
	w := &watchdog{budgets: budgets, output: newOutput(flag.Lookup("test.v").Value.String())}
	if timeout, _ := time.ParseDuration(flag.Lookup("test.timeout").Value.String()); timeout > 0 {
		w.deadline = time.Now().Add(timeout)
	}
	count, _ := strconv.Atoi(flag.Lookup("test.count").Value.String())
	return w.runAll(count)
}

// A watchdog runs a suite, in as many processes as it takes.
type watchdog struct {
	budgets  map[string]time.Duration
	deadline time.Time // when go test's timeout is over, or zero
	output   *output
}

// runAll runs the tests that the command line selects, count times. After a test that hung,
// one process runs what has not ended of the same round, and another the rounds that are left.
func (w *watchdog) runAll(count int) (code int) {
	ended := make(map[string]int) // how many times each test has ended
	rounds := []round{{times: count}}
	for len(rounds) > 0 && code <= 1 { // 2: a test panicked, and so ended all.
		r := rounds[0]
		rounds = rounds[1:]
		test, exit := w.run(r, ended)
		code = max(code, exit)
		if test == "" {
			continue
		}
		code = max(code, 1)
		done := ended[test]
		ended[test]++
		rest := round{times: 1}
		last := round{times: count - done - 1}
		for name, n := range ended {
			if n > done {
				rest.skip = append(rest.skip, name)
			}
			if n >= count {
				last.skip = append(last.skip, name)
			}
		}
		rounds = []round{rest}
		if last.times > 0 {
			rounds = append(rounds, last)
		}
		if flag.Lookup("test.failfast").Value.String() == "true" {
			break
		}
	}
	w.output.end(code)
	return code
}

// A round is what one process runs: all tests but some, a number of times.
type round struct {
	times int
	skip  []string
}

// args returns the command line of a process: this one's, with the last of equal flags counting.
func (r round) args(deadline time.Time) []string {
	args := slices.Clone(os.Args[1 : len(os.Args)-flag.NArg()])
	args = append(args, "-test.v=test2json", "-test.count="+strconv.Itoa(r.times))
	if len(r.skip) > 0 {
		skip := "^(" + strings.Join(r.skip, "|") + ")$"
		if theirs := flag.Lookup("test.skip").Value.String(); theirs != "" {
			skip = theirs + "|" + skip
		}
		args = append(args, "-test.skip="+skip)
	}
	if !deadline.IsZero() {
		args = append(args, "-test.timeout="+max(time.Until(deadline), time.Second).String())
	}
	return append(args, flag.Args()...)
}

// run runs tests in a process until it ends or a test hangs, and returns the name of that test,
// or the process's exit code.
func (w *watchdog) run(r round, ended map[string]int) (hung string, code int) {
	self, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return "", 1
	}
	w.output.begin(newProgress(ended))
	cmd := exec.Command(self, r.args(w.deadline)...)
	cmd.Env = append(os.Environ(), watchedVariable+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, w.output, w.output
	cmd.WaitDelay = 2 * time.Second // for what a test has started and left behind
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer signal.Stop(signals)
	group(cmd)
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return "", 1
	}
	defer killGroup(cmd)
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		cmd.Wait()
	}()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for last := time.Now(); ; {
		select {
		case <-exited:
			w.output.flush()
			return "", exitCode(cmd)
		case s := <-signals:
			if s == syscall.SIGQUIT { // go test sends it when its timeout is over.
				cmd.Process.Signal(s)
				continue
			}
			killGroup(cmd)
			<-exited
			return "", 1
		case now := <-look.C:
			// A machine that was suspended, or that starved this process, is not the tests' fault.
			passed := min(now.Sub(last), 10*lookEvery)
			last = now
			if hung := w.output.overdue(passed, w.budgets); hung != "" {
				w.dump(cmd, hung, exited)
				return hung, 0
			}
		}
	}
}

// dump ends a process in which a test hangs. Go's runtime prints all goroutines first.
func (w *watchdog) dump(cmd *exec.Cmd, test string, exited <-chan struct{}) {
	budget := budgetOf(test, w.budgets)
	w.output.beginDump(test, fmt.Sprintf("%s still runs after %v, its budget. All goroutines:\n", test, budget))
	cmd.Process.Signal(syscall.SIGQUIT)
	select {
	case <-exited:
	case <-time.After(dumpWithin):
		killGroup(cmd)
		<-exited
	}
	w.output.endDump(test, budget)
}

func exitCode(cmd *exec.Cmd) int {
	if code := cmd.ProcessState.ExitCode(); code >= 0 {
		return code
	}
	return 1 // It was killed.
}

func budgetOf(test string, budgets map[string]time.Duration) time.Duration {
	if budget := budgets[test]; budget > 0 {
		return budget
	}
	return Budget
}

// topLevel returns the name of the test that a test is part of.
func topLevel(test string) string {
	test, _, _ = strings.Cut(test, "/")
	return test
}

// event matches what package testing prints about a test's progress, after its marker.
var event = regexp.MustCompile(`^(=== (?:RUN|PAUSE|CONT|NAME)|--- (?:PASS|FAIL|SKIP):) +(\S*)`)
