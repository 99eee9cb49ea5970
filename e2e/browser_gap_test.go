package e2e

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"testing"

	"example.com/sse/internal/testkit"
	"example.com/sse/sse"
)

// lines returns the texts of all of the table's rows, also of those that say that messages are missing.
func (p *page) lines() []string {
	p.t.Helper()
	return eval[[]string](p, `Array.from(messagesTable.tBodies[0].rows, row => row.className.replace("fresh", "").trim() + ":" + row.cells[1].textContent)`)
}

// waitForLines waits until the table's rows are such texts.
func (p *page) waitForLines(patterns ...string) {
	p.t.Helper()
	testkit.Eventually(p.t, func() error {
		got := p.lines()
		fits := len(got) == len(patterns)
		for i := range got {
			fits = fits && regexp.MustCompile("^"+patterns[i]+"$").MatchString(got[i])
		}
		if !fits {
			return fmt.Errorf("the rows are %q, want %q", got, patterns)
		}
		return nil
	})
}

// What the server no longer has is a row: where it is missing, and since when. It breaks no layout, and says nothing where
// nothing is missing.
func TestEveryEngineShowsWhereMessagesAreMissing(t *testing.T) {
	inAllEngines(t, func(t *testing.T, open func(int) *page) {
		s := newStageOf(t, sse.New(sse.Options{History: 1}))
		p := open(0)
		s.show(p, "/?event=gap")
		s.send(1, `{"timestamp":1700000000,"message":"one"}`)
		p.waitForLastRow(1)
		p.hide()
		s.waitForClients(0)
		s.send(2, "two")
		p.show()
		p.waitForLines(":one", ":two") // The server still had what the page missed.
		p.hide()
		s.waitForClients(0)
		s.send(3, "three", "four", "five")
		p.show()
		p.waitForLines(":one", ":two", "gap:Messages are missing here. The server no longer has them.", ":five")

		// An event of that name is none of the server's.
		sent := s.broker.Stats().BytesSent
		s.sendNamed(6, "gap", "a publisher's")
		testkit.Eventually(t, func() error { // The next event evicts it.
			if s.broker.Stats().BytesSent == sent {
				return errors.New("it is not written")
			}
			return nil
		})
		s.send(7, `{"timestamp":1700000000,"message":"seven"}`)
		p.waitForLastRow(7)
		p.hide()
		s.waitForClients(0)
		s.send(8, "eight", "nine")
		p.show()
		const since = `gap:Messages are missing since .*\d.*\. The server no longer has them\.`
		p.waitForLines(":one", ":two", "gap:.*", ":five", ":seven", since, ":nine")
		if wide := eval[[]int](p, `[document.documentElement.scrollWidth, document.documentElement.clientWidth]`); wide[0] > wide[1] {
			t.Errorf("the page is %d pixels wide, and the window %d", wide[0], wide[1])
		}
		if cells := eval[[]int](p, `Array.from(messagesTable.rows, row => row.cells.length)`); slices.ContainsFunc(cells[:len(cells)-1], func(n int) bool { return n != 2 }) {
			t.Errorf("rows have %v cells", cells)
		}

	})
}
