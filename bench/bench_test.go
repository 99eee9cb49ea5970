package main

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// program is this program, built once.
var program string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "bench-test")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		program = filepath.Join(dir, "bench")
		if output, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
			fmt.Printf("%s%v\n", output, err)
			return 1
		}
		return m.Run()
	}())
}

// started is this program, running.
type started struct {
	*exec.Cmd
	dir string // where it puts its files
	out string // the file that holds what it prints
}

func (s *started) output() string {
	b, _ := os.ReadFile(s.out)
	return string(b)
}

func startBench(t *testing.T, limits string, args ...string) *started {
	t.Helper()
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
	t.Cleanup(func() {
		s.Process.Kill()
		s.Wait()
	})
	return s
}

func TestCtrlCLeavesNothingBehind(t *testing.T) {
	for _, name := range []string{limit, "nchan"} {
		t.Run(name, func(t *testing.T) {
			s := startBench(t, "", "-servers", name, "-clients", "90", "-duration", "20s", "-only", "calm")
			var pids []int
			for range 600 { // until the server, and for nchan nginx with its workers, runs
				time.Sleep(100 * time.Millisecond)
				var serving bool
				pids, _, _ = descendants(s.Process.Pid)
				for _, pid := range pids {
					line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
					serving = serving || strings.Contains(string(line), "-addr") && name == limit || strings.Contains(string(line), "nginx: worker")
				}
				if serving {
					break
				}
				if pids = nil; strings.Contains(s.output(), "left out") {
					t.Skip(s.output())
				}
			}
			if len(pids) == 0 {
				t.Fatalf("started nothing: %s", s.output())
			}
			began := time.Now()
			s.Process.Signal(os.Interrupt)
			if err := s.Wait(); err == nil {
				t.Error("the exit status does not tell that it was stopped")
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("took %v to stop", took)
			}
			for _, pid := range pids {
				if syscall.Kill(pid, 0) == nil {
					t.Errorf("process %d still runs", pid)
				}
			}
			if left, _ := filepath.Glob(s.dir + "/*"); len(left) > 0 {
				t.Errorf("left %q", left)
			}
		})
	}
}

func TestShortOfFilesThereAreFewerClients(t *testing.T) {
	s := startBench(t, "ulimit -n 600; ", "-servers", "limit", "-only", "calm", "-rounds", "1", "-interval", "100ms", "-duration", "300ms")
	if err := s.Wait(); err != nil {
		t.Fatalf("%v: %s", err, s.output())
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

func TestProcessorTimeIsTheKernels(t *testing.T) {
	own1 := []int{os.Getpid()}
	before, err := cpu(own1)
	if err != nil {
		t.Fatal(err)
	}
	own := ownCPU()
	for n := 0.0; ownCPU()-own < 100*time.Millisecond; n++ {
		math.Sqrt(n)
	}
	after, err := cpu(own1)
	if got, want := after-before, ownCPU()-own; err != nil || (got-want).Abs() > 50*time.Millisecond {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

func TestMemoryIsWhatIsResident(t *testing.T) {
	own := []int{os.Getpid()}
	before, err := memory(own)
	if err != nil {
		t.Fatal(err)
	}
	const mib = 64
	b, err := unix.Mmap(-1, 0, mib<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_POPULATE)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(b)
	after, err := memory(own)
	if grown := (after - before) >> 10; err != nil || grown < mib*3/4 || grown > mib*3/2 {
		t.Errorf("grew by %d MiB, %v, want %d", grown, err, mib)
	}
}

func TestBarsAreCheckedAgainstTheMedianOfTheRounds(t *testing.T) {
	r := &results{options: options{clients: 9000}, servers: servers, figures: map[string]map[string][]float64{}}
	for _, cpu := range []float64{3, 1, 2} {
		r.add(server{name: this}, figures{"many/cpu": cpu, "overload/lost": 0, "busy/lost": 3 - cpu})
		r.add(server{name: seed}, figures{"many/cpu": 4})
		r.add(server{name: "go-sse"}, figures{"many/cpu": 2})
	}
	got := make(map[string]string)
	figure := ""
	for _, c := range r.checks() {
		if c.figure != "" {
			figure = c.figure
		}
		got[figure+": "+c.bar] = c.value + " " + c.verdict()
	}
	for name, want := range map[string]string{
		"CPU per delivered event, 9000 clients: at most 0.80 of the seed's":    "0.50 yes",
		"CPU per delivered event, 9000 clients: below every rival's":           "2, the best rival's 2 NO",
		"CPU per delivered event, 9000 clients: at most 1.35 of the limit's":   "– unknown",
		"overload, events lost: 0":                                             "2 NO", // the worst round
		"overload at 100 µs, delivered a second: at least 25 times the seed's": "– unknown",
	} {
		if got[name] != want {
			t.Errorf("%s: got %q, want %q", name, got[name], want)
		}
	}
}
