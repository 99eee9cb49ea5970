package e2e

import (
	"fmt"
	"slices"
	"strconv"
	"testing"

	"example.com/sse/internal/testkit"
)

// What the page's header says.
const (
	waiting     = "Waiting for messages..."
	live        = "Live"
	lost        = "Connection lost, retrying..."
	late        = "Not open after five seconds, still trying..."
	unsupported = "Server-sent events are not supported by this browser"
)

// keepHeaders has the page keep all that its header says. It begins anew with each page
// that the tab loads.
func (tb *tab) keepHeaders() {
	tb.t.Helper()
	tb.beforeEachPage(`
		window.headers = [], window.headersAt = [];
		new MutationObserver(() => {
			const text = document.getElementById("header")?.textContent;
			if (!text || text === headers.at(-1)) return;
			headers.push(text);
			headersAt.push(performance.now());
		}).observe(document, {childList: true, subtree: true});
	`)
}

// checkHeaders checks what the header has said since keepHeaders.
func (tb *tab) checkHeaders(want ...string) {
	tb.t.Helper()
	if got := eval[[]string](tb, "headers"); !slices.Equal(got, want) {
		tb.t.Errorf("the header said %q, want %q", got, want)
	}
}

func TestPageMissesNothingWhenTheConnectionIsLostBeforeTheFirstEvent(t *testing.T) {
	t.Parallel()
	s := start(t, "-interval", never.String())
	tb := newWindow(t)
	tb.keepHeaders()
	tb.visit(s.url)
	s.waitForClients(1)
	tb.cutOff = true
	s.kill()
	tb.waitForHeader(lost)
	s.command = append(s.command, "-interval", "100ms")
	s.restart()
	afterwards := subscribe(t, s.url+"/events", "0")
	rows := tb.waitForRows(3)
	id, data := afterwards.next()
	if want := rowOf(t, id, data); rows[0] != want {
		t.Errorf("the first row is %v, want %v", rows[0], want)
	}
	tb.checkHeaders(waiting, lost, waiting, live)
}

func TestPageOpensAStreamAgainThatTheBrowserHasGivenUp(t *testing.T) {
	t.Parallel()
	s, tb := newStage(t), newWindow(t)
	tb.keepHeaders()
	s.show(tb.page, "")
	s.send(1, "one", "two")
	tb.waitForLastRow(2)
	tb.cutOff = true
	s.refuse.Store(true)
	s.cutStreams()
	s.send(3, "three")
	// A status other than 200 is final for an EventSource (section 9.2.3).
	s.waitForRefusals(2)
	s.refuse.Store(false)
	tb.waitForLastRow(3)
	s.send(4, "four")
	tb.waitForLastRow(4)
	tb.wantRows([]row{{"1", "", "one"}, {"2", "", "two"}, {"3", "", "three"}, {"4", "", "four"}})
	tb.checkHeaders(waiting, live, lost, live)
}

func TestPageSaysThatTheStreamDoesNotOpen(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.stall.Store(true)
	tb := newWindow(t)
	tb.keepHeaders()
	tb.visit(s.url)
	tb.waitForHeader(late)
	if at := eval[float64](tb, `headersAt[headers.indexOf("`+late+`")]`); at < 4900 {
		t.Errorf("the page gave the stream %v ms to open", at)
	}
	s.stall.Store(false)
	tb.waitForHeader(waiting)
	s.send(1, "one")
	tb.waitForHeader(live)
	tb.checkHeaders(waiting, late, waiting, live)
}

func TestPageSaysThatTheBrowserDoesNotSupportIt(t *testing.T) {
	t.Parallel()
	s, tb := newStage(t), newWindow(t)
	tb.beforeEachPage("delete window.EventSource")
	tb.visit(s.url)
	if got := tb.header(); got != unsupported {
		t.Errorf("the header says %q, want %q", got, unsupported)
	}
}

// A server can be another one than before, with ids of its own: a page must neither hide its
// events nor show any twice.
func TestPageShowsEventsWhoseIDsDoNotRise(t *testing.T) {
	t.Parallel()
	s, tb := newStage(t), newWindow(t)
	s.show(tb.page, "")
	for id := int64(10); id <= 30; id += 10 {
		s.send(id, strconv.FormatInt(id, 10))
	}
	tb.waitForLastRow(30)
	tb.cutOff = true
	s.cutStreams()
	// The broker takes this for a source that began anew. It can't place id 30 then, and
	// tells all that it holds, of which the page has seen some.
	for _, id := range []int64{5, 10, 20} {
		s.send(id, strconv.FormatInt(id, 10))
	}
	tb.waitForLastRow(20)
	s.send(30, "30")
	tb.waitForLastRow(30)
	var got []string
	for _, r := range tb.rows() {
		got = append(got, r.message)
	}
	if want := []string{"5", "10", "20", "30"}; !slices.Equal(got, want) {
		t.Errorf("the rows are %v, want %v", got, want)
	}
}

// waitForRefusals waits until that many requests for the stream were answered with 503.
func (s *stage) waitForRefusals(n int64) {
	s.t.Helper()
	testkit.Eventually(s.t, func() error {
		if got := s.refusals.Load(); got < n {
			return fmt.Errorf("%d requests refused, want %d", got, n)
		}
		return nil
	})
}
