package testkit

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
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
