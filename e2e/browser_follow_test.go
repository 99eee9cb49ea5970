package e2e

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"example.com/sse/internal/testkit"

	"github.com/chromedp/chromedp"
)

func TestPageFollowsTheEndOnlyWhileTheReaderIsThere(t *testing.T) {
	t.Parallel()
	s, tb := newStage(t), newWindow(t)
	s.show(tb.page, "")
	next := int64(1)
	more := func(n int) {
		t.Helper()
		for range n {
			s.send(next, fmt.Sprint("event ", next))
			next++
		}
		tb.waitForLastRow(next - 1)
	}
	const room = `Math.round(document.documentElement.scrollHeight - innerHeight - scrollY)`
	atEnd := func() {
		t.Helper()
		testkit.Eventually(t, func() error {
			if got := eval[int](tb, room); got != 0 {
				return fmt.Errorf("the reader is %d pixels from the end", got)
			}
			// The page hears of a scroll with the next frame, and follows only then.
			if !eval[bool](tb, `document.querySelector(".latest").hidden`) {
				return errors.New("the page does not know yet that the reader is at the end")
			}
			return nil
		})
	}
	more(100)
	atEnd()
	more(1)
	atEnd()

	tb.wheel(300)
	testkit.Eventually(t, func() error {
		if got := eval[int](tb, room); got != 300 {
			return fmt.Errorf("the reader is %d pixels from the end, want 300", got)
		}
		return nil
	})
	// What the reader sees stays where it is, also when rows at the start are given up.
	const seen = `(() => {
		const row = document.elementFromPoint(300, 300).closest("tr");
		return row.title + " at " + Math.round(row.getBoundingClientRect().top);
	})()`
	before := eval[string](tb, seen)
	more(10)
	more(450)
	if after := eval[string](tb, seen); after != before {
		t.Errorf("the reader saw %q, and now %q", before, after)
	}

	time.Sleep(time.Second) // For half a second after the wheel the page follows nothing.
	eval[any](tb, "scrollTo(0, document.documentElement.scrollHeight)")
	atEnd()
	more(10)
	atEnd()

	eval[any](tb, "scrollTo(0, 0)")
	tb.do(chromedp.WaitVisible(chromedp.CSS(".latest")), chromedp.Click(chromedp.CSS(".latest")))
	atEnd()
	more(10)
	atEnd()
}

func TestReaderCanLeaveTheEndOfAFastStream(t *testing.T) {
	t.Parallel()
	s := start(t, "-interval", "1ms")
	tb := newWindow(t)
	tb.visit(s.url)
	tb.waitForRows(500)
	tb.wheel(40) // No more than a first notch.
	rows := tb.rows()
	newest := rows[len(rows)-1].id
	testkit.Eventually(t, func() error {
		if oldest := tb.rows()[0].id; oldest <= newest { // Their IDs have the same length.
			return fmt.Errorf("not all rows are new: the oldest is %s, the newest was %s", oldest, newest)
		}
		return nil
	})
	if got := eval[float64](tb, `document.documentElement.scrollHeight - innerHeight - scrollY`); got < 30 {
		t.Errorf("the reader has turned the wheel and is %v pixels from the end", got)
	}
}
