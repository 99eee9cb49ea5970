package testkit

import "time"

// progress is which tests of a process run, by what package testing prints about them.
type progress struct {
	running map[string]bool          // by name, subtests too: it runs, and does not wait for its turn
	paused  map[string]int           // by top-level test: how many of its parallel subtests wait
	used    map[string]time.Duration // by top-level test that has begun: how long it has run
	ended   map[string]int           // by top-level test: how many times it has ended
}

func newProgress(ended map[string]int) *progress {
	return &progress{
		running: make(map[string]bool),
		paused:  make(map[string]int),
		used:    make(map[string]time.Duration),
		ended:   ended,
	}
}

// note takes notice of an event: "=== RUN", "--- PASS:" and so on.
func (p *progress) note(event, test string) {
	top := topLevel(test)
	switch event {
	case "=== RUN":
		p.running[test] = true
		if test == top {
			p.used[top] = 0
		}
	case "=== PAUSE":
		delete(p.running, test)
		if test != top {
			p.paused[top]++
		}
	case "=== CONT":
		p.running[test] = true
		if test != top {
			p.paused[top]--
		}
	case "--- PASS:", "--- FAIL:", "--- SKIP:":
		delete(p.running, test)
		if test == top {
			delete(p.used, top)
			delete(p.paused, top)
			p.ended[top]++
		}
	}
}

// overdue adds a time that has passed to what each test has used, and returns a test that has
// used more than its budget, or "".
func (p *progress) overdue(passed time.Duration, budgets map[string]time.Duration) string {
	// How many subtests run, by top-level test.
	parts := make(map[string]int)
	for test := range p.running {
		if top := topLevel(test); top != test {
			parts[top]++
		}
	}
	// Once its function has returned, a test waits for its parallel subtests, and they for their
	// turn. Nothing tells that apart from a function that hangs, unless nothing else runs.
	waits := func(top string) bool { return p.paused[top] > 0 && parts[top] == 0 }
	others := false
	for top := range p.used {
		others = others || p.running[top] && !waits(top)
	}
	hung, most := "", time.Duration(0)
	for top := range p.used {
		if !p.running[top] || waits(top) && others {
			continue
		}
		p.used[top] += passed
		if over := p.used[top] - budgetOf(top, budgets); over > most {
			hung, most = top, over
		}
	}
	return hung
}
