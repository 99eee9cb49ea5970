package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"example.com/sse/bench/load"
	"example.com/sse/bench/rivals/demo"
	"example.com/sse/internal/testkit"
)

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
			_, report := measured(t, "-servers", s.name, "-only", "https", "-clients", "45", "-rounds", "1", "-interval", "200ms", "-duration", "1s")
			sections := []string{"10 clients over HTTPS, HTTP/1.1, an event each 100ms", "10 clients over HTTPS, HTTP/2, an event each 100ms"}
			if s.name == proxied {
				sections = sections[1:]
			}
			for _, title := range sections {
				section := sectionOf(report, title)
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
