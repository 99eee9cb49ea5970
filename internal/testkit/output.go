package testkit

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// marker precedes what package testing itself prints when -test.v is test2json.
const marker = "\x16"

// An output passes on what the processes print, in the form that was asked for: all of it for
// -json and -v, only the output of failing tests otherwise.
type output struct {
	json, verbose bool

	mu      sync.Mutex // protects all that follows
	to      io.Writer
	tests   *progress
	rest    []byte                   // an unfinished line
	current string                   // the test that prints now, or ""
	kept    map[string]*bytes.Buffer // by top-level test: what it has printed, unless verbose
	dumping bool                     // what comes are goroutines
}

func newOutput(v string) *output {
	return &output{json: v == "test2json", verbose: v != "false", to: os.Stdout, kept: make(map[string]*bytes.Buffer)}
}

// begin has the output be that of another process.
func (o *output) begin(tests *progress) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tests = tests
}

// Write takes what a process prints.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rest = append(o.rest, b...)
	for {
		end := bytes.IndexByte(o.rest, '\n')
		// What a test prints may lack its end of line.
		if next := bytes.Index(o.rest[min(1, len(o.rest)):], []byte(marker)); next >= 0 && (end < 0 || next < end) {
			end = next
		}
		if end < 0 {
			return len(b), nil
		}
		o.line(string(o.rest[:end+1]))
		o.rest = o.rest[end+1:]
	}
}

// flush passes on an unfinished line.
func (o *output) flush() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.rest) > 0 {
		o.line(string(o.rest))
		o.rest = nil
	}
}

func (o *output) line(line string) {
	said, marked := strings.CutPrefix(line, marker)
	if !marked || o.dumping {
		o.print(o.current, line)
		return
	}
	if said == "PASS\n" || said == "FAIL\n" {
		return // end says it, about all processes.
	}
	m := event.FindStringSubmatch(said)
	if m == nil {
		o.print(o.current, line)
		return
	}
	what, test := m[1], m[2]
	o.tests.note(what, test)
	if test == "" && !o.json {
		o.current = ""
		return // It tells test2json alone that nobody prints.
	}
	if !strings.HasPrefix(what, "--- ") {
		o.current = test
		o.print(test, line)
		return
	}
	if o.verbose || test != topLevel(test) {
		o.current = test
		o.print(test, line)
		return
	}
	o.current = ""
	if what == "--- FAIL:" {
		io.WriteString(o.to, said)
		o.show(test)
	}
	delete(o.kept, test)
}

// print passes a test's line on, or keeps it until the test has failed.
func (o *output) print(test, line string) {
	switch {
	case o.json:
		io.WriteString(o.to, line)
	case o.verbose || test == "" || o.dumping:
		io.WriteString(o.to, strings.TrimPrefix(line, marker))
	default:
		top := topLevel(test)
		if o.kept[top] == nil {
			o.kept[top] = new(bytes.Buffer)
		}
		o.kept[top].WriteString(strings.TrimPrefix(line, marker))
	}
}

// show prints what was kept of a test.
func (o *output) show(test string) {
	if b := o.kept[test]; b != nil {
		o.to.Write(b.Bytes())
	}
	delete(o.kept, test)
}

// overdue is progress.overdue.
func (o *output) overdue(passed time.Duration, budgets map[string]time.Duration) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.tests.overdue(passed, budgets)
}

// beginDump makes all that comes the output of a test that hangs.
func (o *output) beginDump(test, why string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.dumping, o.current = true, test
	if o.verbose {
		o.print(test, marker+"=== NAME  "+test+"\n")
	} else {
		o.show(test)
	}
	o.print(test, "    "+why)
}

// endDump says that a test has failed, after its goroutines.
func (o *output) endDump(test string, took time.Duration) {
	o.flush()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.print(test, fmt.Sprintf(marker+"--- FAIL: %s (%.2fs)\n", test, took.Seconds()))
	o.dumping, o.current = false, ""
	clear(o.kept)
}

// end says how it went, as package testing does. What tests have printed that did not end, since
// one of them panicked, comes first.
func (o *output) end(code int) {
	for _, test := range slices.Sorted(maps.Keys(o.kept)) {
		o.show(test)
	}
	if code != 0 {
		o.print("", marker+"FAIL\n")
	} else {
		o.print("", marker+"PASS\n")
	}
}
