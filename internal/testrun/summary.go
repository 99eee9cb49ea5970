package main

import (
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// An event is a line of go test -json (go doc test2json).
type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64
}

// A summary is how tests have ended. Whoever calls its methods while others may has it locked.
type summary struct {
	sync.Mutex
	to io.Writer

	passed, failed, skipped int

	failures map[string]int       // by test: how often it has failed
	said     map[string][]string  // by test: the first of what it said then, each line once
	reasons  map[string][]string  // by reason: the tests that were skipped
	output   map[string]*[]string // by package and test: its lines
	broken   map[string]bool      // packages of which a test has failed
}

func newSummary(to io.Writer) *summary {
	return &summary{
		to:       to,
		failures: make(map[string]int),
		said:     make(map[string][]string),
		reasons:  make(map[string][]string),
		output:   make(map[string]*[]string),
		broken:   make(map[string]bool),
	}
}

// reason matches what a test says, such as why it was skipped: the lines that the methods of a testing.T
// print.
var reason = regexp.MustCompile(`^\s+\S+\.go:\d+: (.*)`)

// add takes notice of an event. Results are of top-level tests; a subtest counts where it is
// skipped.
func (s *summary) add(e event) {
	top, _, isSub := strings.Cut(e.Test, "/")
	key := e.Package + " " + top
	name := strings.TrimPrefix(e.Package, "example.com/sse") + "." + e.Test
	name = strings.TrimPrefix(name, "/")
	lines := s.output[key]
	if lines == nil {
		lines = new([]string)
		s.output[key] = lines
	}
	switch e.Action {
	case "output":
		*lines = append(*lines, e.Output)
		return
	case "build-output": // Its package fails later.
		io.WriteString(s.to, e.Output)
		return
	}
	switch {
	case e.Action == "skip" && e.Test != "":
		s.skipped++
		why := "for no reason"
		for _, line := range *lines {
			if m := reason.FindStringSubmatch(line); m != nil {
				why = m[1]
			}
		}
		s.reasons[why] = append(s.reasons[why], name)
		fmt.Fprintf(s.to, "SKIP %s: %s\n", name, why)
	case isSub:
		return
	case e.Action == "pass" && e.Test != "":
		s.passed++
		fmt.Fprintf(s.to, "PASS %s (%.2fs)\n", name, e.Elapsed)
	case e.Action == "fail" && e.Test != "":
		s.broken[e.Package] = true
		s.fail(name, strings.Join(*lines, ""))
	case e.Action == "fail" && !s.broken[e.Package]: // It did not build, say, or has ended by itself.
		text := strings.Join(*lines, "")
		// A test that was running then has no end of its own.
		for other, of := range s.output {
			if test, ok := strings.CutPrefix(other, e.Package+" "); ok && test != "" {
				text += strings.Join(*of, "")
			}
		}
		s.fail(strings.TrimSuffix(name, "."), text)
	case e.Action == "pass" || e.Action == "fail": // of a package
		delete(s.broken, e.Package) // for the next round
	default:
		return
	}
	delete(s.output, key)
}

// fail counts a failure and prints what belongs to it.
func (s *summary) fail(name, output string) {
	s.failed++
	s.failures[name]++
	for line := range strings.Lines(output) {
		if said := strings.TrimSpace(line); len(s.said[name]) < 5 && reason.MatchString(line) && !slices.Contains(s.said[name], said) {
			s.said[name] = append(s.said[name], said)
		}
	}
	fmt.Fprintf(s.to, "FAIL %s\n%s", name, output)
}

// close says how it went. The last line is the one that programs read.
func (s *summary) close(rounds int) {
	fmt.Fprintln(s.to)
	for _, name := range slices.Sorted(maps.Keys(s.failures)) {
		if rounds > 1 {
			fmt.Fprintf(s.to, "failed in %d of %d rounds: %s\n", s.failures[name], rounds, name)
		} else {
			fmt.Fprintf(s.to, "failed: %s\n", name)
		}
		for _, line := range s.said[name] {
			fmt.Fprintf(s.to, "    %.300s\n", line)
		}
	}
	for _, why := range slices.Sorted(maps.Keys(s.reasons)) {
		slices.Sort(s.reasons[why])
		fmt.Fprintf(s.to, "skipped, %s: %s\n", why, strings.Join(slices.Compact(s.reasons[why]), " "))
	}
	fmt.Fprintf(s.to, "%d passed, %d failed, %d skipped\n", s.passed, s.failed, s.skipped)
}
