package e2e

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

func TestEveryEngineFitsANarrowScreen(t *testing.T) {
	inAllEngines(t, func(t *testing.T, open func(int) *page) {
		const width = 360
		s := newStage(t)
		p := open(width)
		s.show(p, "")
		check := func(what string) {
			t.Helper()
			if got := eval[int](p, "innerWidth"); got != width {
				t.Fatalf("the window is %d pixels wide: the test does not test what it says", got)
			}
			if got := eval[int](p, "document.documentElement.scrollWidth"); got > width {
				t.Errorf("%s, %d pixels have to be moved sideways over %d", what, width, got)
			}
		}
		check("empty")
		s.send(1, `{"timestamp":1700000000,"message":"Hello"}`, strings.Repeat("0123456789", 100))
		p.waitForLastRow(2)
		check("full")
	})
}

func TestEveryEngineLetsTheReaderLeaveTheEndOfAFastStream(t *testing.T) {
	inAllEngines(t, func(t *testing.T, open func(int) *page) {
		s := start(t, "-interval", "4ms")
		p := open(0)
		p.visit(s.url)
		p.waitForRows(500)
		const room = "document.documentElement.scrollHeight - innerHeight - scrollY"
		testkit.Eventually(t, func() error {
			if got := eval[float64](p, room); got > 2 {
				return fmt.Errorf("the page is %v pixels from the end", got)
			}
			return nil
		})
		p.wheel(200)
		time.Sleep(time.Second) // some 250 events
		if got := eval[float64](p, room); got < 100 {
			t.Errorf("the reader has turned the wheel and is %v pixels from the end", got)
		}
	})
}

func TestEveryEngineKeepsWhatTheReaderSeesInPlace(t *testing.T) {
	inAllEngines(t, func(t *testing.T, open func(int) *page) {
		s, p := newStage(t), open(0)
		s.show(p, "")
		for id := int64(1); id <= 500; id++ {
			s.send(id, fmt.Sprint("event ", id))
		}
		p.waitForLastRow(500)
		p.wheel(300)
		testkit.Eventually(t, func() error {
			if !eval[bool](p, "scrollY + innerHeight < document.documentElement.scrollHeight - 250") {
				return fmt.Errorf("the reader is at the end")
			}
			return nil
		})
		time.Sleep(time.Second) // The wheel may go on turning for a while.
		p.evaluate(`void (globalThis.seen = document.elementFromPoint(300, 300).closest("tr"))`, new(any))
		const place = `seen.isConnected ? seen.getBoundingClientRect().top : -1`
		before := eval[float64](p, place)
		for id := int64(501); id <= 600; id += 10 {
			for i := range int64(10) {
				s.send(id+i, fmt.Sprint("event ", id+i))
			}
			p.waitForLastRow(id + 9)
			// Rows have heights of fractions of a pixel, and scroll positions have none: each time rows are
			// given up, some of a pixel may be lost. Ten rows are hundreds.
			if after := eval[float64](p, place); math.Abs(after-before) > 20 {
				t.Fatalf("a row has moved from %v to %v before the reader's eyes", before, after)
			}
		}
	})
}
