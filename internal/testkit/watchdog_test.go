package testkit

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// asVictim in the environment makes the test binary one whose tests hang.
const asVictim = "TESTKIT_AS_VICTIM"

func TestMain(m *testing.M) {
	budgets := make(map[string]time.Duration)
	flag.Parse()
	if os.Getenv(asVictim) != "" {
		for _, test := range []string{"TestVictimHangs", "TestVictimHangsInParallel", "TestVictimSubtestHangs",
			"TestVictimParallelSubtestHangs", "TestVictimLeavesAProcess", "TestVictimHangsOnce"} {
			budgets[test] = 500 * time.Millisecond
		}
		budgets["TestVictimWaitsForItsTurn"] = 2 * time.Second
	} else {
		flag.Set("test.parallel", "8") // They do little but wait for the victims.
	}
	os.Exit(Main(m, budgets))
}

// victim skips a test that is not run as a victim.
func victim(t *testing.T) {
	t.Helper()
	if os.Getenv(asVictim) == "" {
		t.Skip("TestWatchdog runs it")
	}
	fmt.Println("printed by", t.Name())
}

func TestVictimPasses(t *testing.T) { victim(t); t.Log("logged while passing") }
func TestVictimFails(t *testing.T)  { victim(t); t.Error("logged while failing") }
func TestVictimHangs(t *testing.T)  { victim(t); hangHere() }

func TestVictimParallel1(t *testing.T) { victim(t); t.Parallel(); time.Sleep(200 * time.Millisecond) }
func TestVictimParallel2(t *testing.T) { victim(t); t.Parallel(); time.Sleep(200 * time.Millisecond) }

func TestVictimHangsInParallel(t *testing.T) { victim(t); t.Parallel(); hangHere() }

func TestVictimSubtestHangs(t *testing.T) {
	victim(t)
	t.Run("passes", func(t *testing.T) {})
	t.Run("hangs", func(t *testing.T) { hangHere() })
}

func TestVictimParallelSubtestHangs(t *testing.T) {
	victim(t)
	t.Run("passes", func(t *testing.T) { t.Parallel() })
	t.Run("hangs", func(t *testing.T) { t.Parallel(); hangHere() })
}

// With one test at a time it waits for others for longer than its budget, which does not count.
func TestVictimWaitsForItsTurn(t *testing.T) {
	victim(t)
	t.Parallel()
	t.Run("a part", func(t *testing.T) { t.Parallel() })
}

func TestVictimTakesItsTime(t *testing.T) { victim(t); t.Parallel(); time.Sleep(3 * time.Second) }

func TestVictimLeavesAProcess(t *testing.T) {
	victim(t)
	cmd := exec.Command("sleep", "600")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	fmt.Println("\nprocess", cmd.Process.Pid)
	hangHere()
}

// It hangs in the first of several rounds.
func TestVictimHangsOnce(t *testing.T) {
	victim(t)
	file := os.Getenv(asVictim)
	if _, err := os.Stat(file); err != nil {
		os.WriteFile(file, nil, 0o600)
		hangHere()
	}
}

func TestVictimPanics(t *testing.T) { victim(t); panic("on purpose") }
func TestVictimsGoroutinePanics(t *testing.T) {
	victim(t)
	go panic("on purpose")
	select {}
}

// hangHere is what the printed goroutines show.
//
//go:noinline
func hangHere() { <-make(chan int) }

// runVictims runs the victims whose names match in a test binary of their own.
func runVictims(t *testing.T, names string, args ...string) (output string, code int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, append([]string{"-test.run=^TestVictim(" + names + ")$"}, args...)...)
	cmd.Env = append(os.Environ(), asVictim+"="+t.TempDir()+"/hung", "GORACE=atexit_sleep_ms=0")
	EndWithTest(cmd)
	out, _ := cmd.CombinedOutput()
	return string(out), cmd.ProcessState.ExitCode()
}

// results returns the lines that say how tests ended, without their times, sorted.
func results(output string) (lines []string) {
	for _, m := range regexp.MustCompile(`(?m)^\s*--- (\w+: \S+)`).FindAllStringSubmatch(output, -1) {
		lines = append(lines, strings.ReplaceAll(m[1], "TestVictim", ""))
	}
	slices.Sort(lines)
	return lines
}

func TestWatchdogNamesTheTestThatHangsAndTheOthersGoOn(t *testing.T) {
	for _, test := range []struct {
		what, names string
		args, want  []string
	}{
		{"serial", "Passes|Hangs|Parallel1", []string{"-test.v"}, []string{"FAIL: Hangs", "PASS: Parallel1", "PASS: Passes"}},
		{"parallel", "Passes|HangsInParallel|Parallel1|Parallel2", []string{"-test.v"},
			[]string{"FAIL: HangsInParallel", "PASS: Parallel1", "PASS: Parallel2", "PASS: Passes"}},
		{"a subtest", "Passes|SubtestHangs", []string{"-test.v"}, []string{"FAIL: SubtestHangs", "PASS: Passes", "PASS: SubtestHangs/passes"}},
		{"a parallel subtest", "Passes|ParallelSubtestHangs", []string{"-test.v"},
			[]string{"FAIL: ParallelSubtestHangs", "PASS: ParallelSubtestHangs/passes", "PASS: Passes"}},
		{"several, shuffled", "Hangs|HangsInParallel|Passes|SubtestHangs", []string{"-test.v", "-test.shuffle=on"},
			[]string{"FAIL: Hangs", "FAIL: HangsInParallel", "FAIL: SubtestHangs", "PASS: Passes", "PASS: SubtestHangs/passes"}},
		{"one fails, too", "Fails|Hangs|Passes", []string{"-test.v"}, []string{"FAIL: Fails", "FAIL: Hangs", "PASS: Passes"}},
		{"three rounds", "HangsOnce|Passes|Parallel1", []string{"-test.v", "-test.count=3"},
			[]string{"FAIL: HangsOnce", "PASS: HangsOnce", "PASS: HangsOnce", "PASS: Parallel1", "PASS: Parallel1", "PASS: Parallel1",
				"PASS: Passes", "PASS: Passes", "PASS: Passes"}},
		{"some are skipped", "Hangs|Parallel1|Parallel2", []string{"-test.v", "-test.skip=Parallel1"}, []string{"FAIL: Hangs", "PASS: Parallel2"}},
		{"the first failure is the last test", "Hangs|Parallel1|Passes", []string{"-test.v", "-test.failfast"}, []string{"FAIL: Hangs", "PASS: Passes"}},
	} {
		t.Run(test.what, func(t *testing.T) {
			t.Parallel()
			output, code := runVictims(t, test.names, test.args...)
			if got := slices.Compact(results(output)); !slices.Equal(got, slices.Compact(test.want)) || code != 1 {
				t.Errorf("exit code %d, got %q, want %q:\n%s", code, got, test.want, output)
			}
			if test.what == "three rounds" && len(results(output)) < len(test.want) {
				t.Errorf("not all of three rounds:\n%s", output)
			}
			if !strings.Contains(output, "testkit.hangHere(") || !strings.Contains(output, "All goroutines:") {
				t.Errorf("no goroutines:\n%s", output)
			}
			if lines := strings.Fields(output); lines[len(lines)-1] != "FAIL" || strings.Count(output, "\nPASS\n") > 0 {
				t.Errorf("the last line is not FAIL alone:\n%s", output)
			}
		})
	}
}

func TestWatchdogChangesNothingElse(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		names string
		args  []string
		want  string
		code  int
	}{
		{"Passes", nil, "PASS\n", 0},
		{"Fails|Passes", nil, "--- FAIL: TestVictimFails (0.00s)\n" +
			"=== RUN   TestVictimFails\nprinted by TestVictimFails\n    watchdog_test.go:00: logged while failing\nFAIL\n", 1},
		{"Passes", []string{"-test.v"}, "=== RUN   TestVictimPasses\nprinted by TestVictimPasses\n" +
			"    watchdog_test.go:00: logged while passing\n--- PASS: TestVictimPasses (0.00s)\nPASS\n", 0},
		{"Passes", []string{"-test.list=VictimPa.*s$"}, "TestVictimPasses\nTestVictimParallelSubtestHangs\nTestVictimPanics\n", 0},
	} {
		output, code := runVictims(t, test.names, test.args...)
		output = regexp.MustCompile(`\(\d+\.\d\ds\)`).ReplaceAllString(output, "(0.00s)")
		output = regexp.MustCompile(`watchdog_test.go:\d+`).ReplaceAllString(output, "watchdog_test.go:00")
		if output != test.want || code != test.code {
			t.Errorf("%s %q: exit code %d, want %d, got\n%s\nwant\n%s", test.names, test.args, code, test.code, output, test.want)
		}
	}
}

func TestPanicEndsTheSuite(t *testing.T) {
	t.Parallel()
	for _, panics := range []string{"Panics|Passes", "sGoroutinePanics"} {
		if output, code := runVictims(t, panics); code != 2 || !strings.Contains(output, "panic: on purpose") {
			t.Errorf("%s: exit code %d:\n%s", panics, code, output)
		}
	}
}

func TestTimeForWhichATestWaitsForItsTurnDoesNotCount(t *testing.T) {
	t.Parallel()
	output, code := runVictims(t, "WaitsForItsTurn|TakesItsTime", "-test.v", "-test.parallel=1")
	if code != 0 {
		t.Errorf("exit code %d:\n%s", code, output)
	}
}

func TestWatchdogLeavesNoProcess(t *testing.T) {
	t.Parallel()
	output, _ := runVictims(t, "LeavesAProcess", "-test.v")
	m := regexp.MustCompile(`\nprocess (\d+)\n`).FindStringSubmatch(output)
	if m == nil {
		t.Fatalf("no process was started:\n%s", output)
	}
	pid, _ := strconv.Atoi(m[1])
	Eventually(t, func() error {
		if status, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil && !strings.Contains(string(status), ") Z ") {
			return fmt.Errorf("process %d still runs", pid)
		}
		return nil
	})
}

// What go test -json reads, tells each test's end.
func TestWatchdogSpeaksToTest2JSON(t *testing.T) {
	t.Parallel()
	output, _ := runVictims(t, "Hangs|Passes|Parallel1", "-test.v=test2json")
	cmd := exec.CommandContext(t.Context(), "go", "tool", "test2json", "-p", "victims")
	cmd.Stdin = strings.NewReader(output)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]string)
	var dump strings.Builder
	for line := range strings.Lines(string(out)) {
		var e struct{ Action, Test, Output string }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if e.Action == "pass" || e.Action == "fail" {
			got[e.Test] = e.Action
		}
		if e.Test == "TestVictimHangs" {
			dump.WriteString(e.Output)
		}
	}
	want := map[string]string{"TestVictimHangs": "fail", "TestVictimPasses": "pass", "TestVictimParallel1": "pass", "": "fail"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v, of\n%s", got, want, output)
	}
	if !strings.Contains(dump.String(), "hangHere") {
		t.Errorf("the goroutines are not the test's output, but\n%s", dump.String())
	}
}
