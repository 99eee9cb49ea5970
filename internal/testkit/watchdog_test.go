package testkit

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

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
			"=== RUN   TestVictimFails\nprinted by TestVictimFails\n    victims_test.go:00: logged while failing\nFAIL\n", 1},
		{"Passes", []string{"-test.v"}, "=== RUN   TestVictimPasses\nprinted by TestVictimPasses\n" +
			"    victims_test.go:00: logged while passing\n--- PASS: TestVictimPasses (0.00s)\nPASS\n", 0},
		{"Passes", []string{"-test.list=VictimPa.*s$"}, "TestVictimPasses\nTestVictimParallelSubtestHangs\nTestVictimPanics\n", 0},
	} {
		output, code := runVictims(t, test.names, test.args...)
		output = regexp.MustCompile(`\(\d+\.\d\ds\)`).ReplaceAllString(output, "(0.00s)")
		output = regexp.MustCompile(`victims_test.go:\d+`).ReplaceAllString(output, "victims_test.go:00")
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
