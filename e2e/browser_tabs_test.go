package e2e

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

// hiddenFor is how long a hidden tab keeps its connection.
const hiddenFor = 3 * time.Second

// A browser allows a site six connections over HTTP/1.1, and of these tabs it shows one at a
// time.
func TestTenTabsOverHTTPAreCompleteWhenTheyAreSeen(t *testing.T) {
	t.Parallel()
	s := start(t, "-interval", "200ms")
	raw := subscribe(t, s.url+"/events", "")
	var events []row
	b := startBrowser(t)
	var tabs []*tab
	for range 10 {
		tb := b.tab()
		tb.visit(s.url)
		tabs = append(tabs, tb)
	}
	for range 2 {
		for i, tb := range tabs {
			tb.bringToFront()
			tb.waitForHeader(live)
			hidden := 0
			for _, other := range tabs {
				if eval[bool](other, "document.hidden") {
					hidden++
				}
			}
			if hidden != len(tabs)-1 {
				t.Fatalf("%d tabs of ten are hidden while one is in front: the test does not test what it says", hidden)
			}
			// All that the server has sent until now, and something new.
			for len(raw.events) > 0 {
				id, data := raw.next()
				events = append(events, rowOf(t, id, data))
			}
			id, data := raw.next()
			events = append(events, rowOf(t, id, data))
			last := events[len(events)-1]
			var rows []row
			testkit.Eventually(t, func() error {
				rows = tb.rows()
				if !slices.Contains(rows, last) {
					return fmt.Errorf("tab %d does not show %v", i, last)
				}
				return nil
			})
			rows = rows[:slices.Index(rows, last)+1]
			first := slices.Index(events, rows[0])
			if first < 0 || !slices.Equal(rows, events[first:]) {
				t.Fatalf("tab %d shows\n%v\nof the stream's events\n%v", i, rows, events)
			}
		}
	}
}

// HTTP/2 carries all streams of a site in one connection.
func TestTwentyTabsOverHTTPSAreLiveAtOnce(t *testing.T) {
	t.Parallel()
	s := startTLS(t, "-interval", "1s")
	var tabs []*tab
	for range 20 {
		tb := newWindow(t)
		tb.prefer("reduced-motion", "reduce") // Twenty that draw all the time are much for two cores.
		tb.visit(s.url)
		tabs = append(tabs, tb)
	}
	// Longer than a hidden tab would keep its stream.
	time.Sleep(hiddenFor + time.Second)
	for i, tb := range tabs {
		if state := eval[string](tb, "document.visibilityState"); state != "visible" {
			t.Errorf("tab %d is %s: the test does not test what it says", i, state)
		}
		tb.waitForHeader(live)
		protocol := eval[string](tb, `performance.getEntriesByType("navigation")[0].nextHopProtocol`)
		if protocol != "h2" {
			t.Errorf("tab %d came over %s", i, protocol)
		}
	}
	s.waitForClients(20)
	// All show the next event.
	rows := tabs[0].rows()
	before := rows[len(rows)-1]
	tabs[0].waitForRows(len(rows) + 1)
	next := tabs[0].rows()[len(rows)]
	for i, tb := range tabs {
		testkit.Eventually(t, func() error {
			rows := tb.rows()
			if at := slices.Index(rows, next); at < 1 || rows[at-1] != before {
				return fmt.Errorf("tab %d does not show %v after %v", i, next, before)
			}
			return nil
		})
	}
}

func TestHiddenTabGivesItsConnectionBackAndMissesNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	b := startBrowser(t)
	tb := b.tab()
	tb.keepHeaders()
	s.show(tb.page, "")
	other := b.tab()
	other.visit("about:blank")
	s.waitForClients(0)
	// Nothing was seen yet, so there is no id to go on from.
	s.send(1, "one")
	tb.bringToFront()
	tb.waitForLastRow(1)

	// A glance elsewhere does not cost the connection.
	ever := s.broker.Stats().ClientsTotal
	left := time.Now()
	other.bringToFront()
	tb.waitFor("document.hidden", true)
	time.Sleep(hiddenFor / 10)
	tb.bringToFront()
	eval[any](tb, "document.hidden")
	away := time.Since(left)
	time.Sleep(hiddenFor + time.Second)
	if got := s.broker.Stats().ClientsTotal; got != ever && away < hiddenFor {
		t.Errorf("the stream was opened again after %v", away)
	}

	other.bringToFront()
	s.waitForClients(0)
	s.send(2, "two", "three")
	tb.bringToFront()
	tb.waitForLastRow(3)
	s.send(4, "four")
	tb.waitForLastRow(4)
	tb.wantRows([]row{{"1", "", "one"}, {"2", "", "two"}, {"3", "", "three"}, {"4", "", "four"}})
}

func TestHiddenTabSurvivesABurst(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	b := startBrowser(t)
	tb := b.tab()
	s.show(tb.page, "")
	s.send(1, "one")
	tb.waitForLastRow(1)
	b.tab().visit("about:blank")
	s.waitForClients(0)
	const last = 40_000
	for id := int64(2); id <= last; id++ {
		s.send(id, `{"timestamp":1,"message":"`+strconv.FormatInt(id, 10)+`"}`)
	}
	tb.bringToFront()
	tb.waitForLastRow(last)
	checkLast500(t, tb, last)
}
