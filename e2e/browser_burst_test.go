package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"example.com/sse/internal/testkit"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/chromedp"
)

const (
	rowsAFrame = 50  // how many rows the page adds with one frame, at most
	rowsKept   = 500 // how many it shows
)

// Each frame is a task, in which the page does not answer its reader. So none has many rows to add, whatever comes, and
// each adds all its rows in one go.
func TestPageAddsABurstInParts(t *testing.T) {
	t.Parallel()
	s, tb := newStage(t), newWindow(t)
	s.show(tb.page, "")
	eval[any](tb, `void (globalThis.most = 0, globalThis.parts = 0, globalThis.insertions = 0,
		new MutationObserver(records => { // called once for all that a task changes
			const added = records.map(record => record.addedNodes.length).filter(n => n > 0);
			if (added.length === 0) return;
			parts++;
			insertions += added.length;
			most = Math.max(most, added.reduce((sum, n) => sum + n));
		}).observe(messagesTable.tBodies[0], {childList: true}))`)
	const last = 4000
	for id := int64(1); id <= last; id++ {
		s.send(id, fmt.Sprint("event ", id))
	}
	tb.waitForLastRow(last)
	checkLast500(t, tb, last)
	if got := eval[int](tb, "most"); got != rowsAFrame {
		t.Errorf("a frame has added %d rows, want %d", got, rowsAFrame)
	}
	parts, insertions := eval[int](tb, "parts"), eval[int](tb, "insertions")
	if parts != insertions || parts < rowsKept/rowsAFrame {
		t.Errorf("%d frames have added rows in %d insertions", parts, insertions)
	}
}

// What a screen reader reads out is at most a line each ten seconds, which stands for all that came.
func TestPageAnnouncesABurstInFewLines(t *testing.T) {
	t.Parallel()
	s, tb := newStage(t), newWindow(t)
	s.show(tb.page, "/?event=alert")
	if got, want := tb.liveRegions(), []string{"heading " + waiting, "log New messages"}; !slices.Equal(got, want) {
		t.Errorf("what a screen reader watches is %q, want %q", got, want)
	}
	eval[any](tb, `void (globalThis.lines = [], globalThis.linesAt = [], new MutationObserver(() => {
			lines.push(document.querySelector("[role=log]").textContent);
			linesAt.push(performance.now());
		}).observe(document.querySelector("[role=log]"), {childList: true}))`)
	waitForLines := func(n int) (lines []string) {
		t.Helper()
		testkit.Eventually(t, func() error {
			if lines = eval[[]string](tb, "lines"); len(lines) < n {
				return fmt.Errorf("announced are %q, want %d lines", lines, n)
			}
			return nil
		})
		return lines
	}
	s.sendNamed(1, "alert", `{"timestamp":1700000000,"message":"<b>Lunch</b>"}`)
	if got, want := waitForLines(1)[0], "alert: <b>Lunch</b>"; got != want {
		t.Errorf("announced is %q, want %q", got, want)
	}
	const last = 1002
	for id := int64(2); id < last; id++ {
		s.send(id, fmt.Sprint("event ", id))
	}
	s.send(last, strings.Repeat("🕰", 300))
	tb.waitForLastRow(last)
	// One line, unless the machine is so busy that the burst takes longer than ten seconds.
	announced := 1
	for n := 2; announced < last; n++ {
		line := waitForLines(n)[n-1]
		var count int
		if _, err := fmt.Sscanf(line, "%d new messages.", &count); err != nil {
			count = 1
		}
		if announced += count; announced == last && !strings.HasSuffix(line, "The last is: "+strings.Repeat("🕰", 200)+"…") {
			t.Errorf("the last line announced is %q", line)
		}
	}
	if announced != last {
		t.Errorf("%d events are announced, want %d", announced, last)
	}
	if pause := eval[float64](tb, "Math.min(...linesAt.slice(1).map((at, i) => at - linesAt[i]))"); pause < 9900 {
		t.Errorf("two lines are %v ms apart", pause)
	}
	if got := eval[int](tb, `document.querySelector("[role=log]").children.length`); got != 1 {
		t.Errorf("%d lines are kept", got)
	}
}

// liveRegions returns the role and the name of all that a screen reader watches and reads out when the
// reader has finished something else.
func (tb *tab) liveRegions() (regions []string) {
	tb.t.Helper()
	tree, err := chromedp.Call(tb.ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		tb.t.Fatal(err)
	}
	for _, node := range tree.Nodes {
		for _, property := range node.Properties {
			if property.Name == "live" && string(property.Value.Value) == `"polite"` {
				var role, name string
				if err := errors.Join(json.Unmarshal(node.Role.Value, &role), json.Unmarshal(node.Name.Value, &name)); err != nil {
					tb.t.Fatal(err)
				}
				regions = append(regions, role+" "+name)
			}
		}
	}
	slices.Sort(regions)
	return regions
}
