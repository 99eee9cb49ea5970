package e2e

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

func TestEveryEngineResumesAfterTheServerIsKilled(t *testing.T) {
	inAllEngines(t, func(t *testing.T, open func(int) *page) {
		s := start(t, "-interval", "200ms")
		raw := subscribe(t, s.url+"/events", "")
		p := open(0)
		p.visit(s.url)
		p.waitForRows(2)
		p.cutOff = true
		s.kill()
		p.waitForHeader(lost)
		shown := len(p.rows())

		// The server starts again faster than the browser comes, which misses some events.
		s.command = append(s.command, "-interval", "100ms")
		s.restart()
		after := subscribe(t, s.url+"/events", "0")
		p.waitForHeader(live)
		checkResumed(t, p.waitForRows(shown+10), raw, after)
	})
}

func TestEveryEngineShowsTheLastEventsBeforeSIGTERM(t *testing.T) {
	inAllEngines(t, func(t *testing.T, open func(int) *page) {
		s := start(t, "-interval", "100ms")
		raw := subscribe(t, s.url+"/events", "")
		p := open(0)
		p.visit(s.url)
		p.waitForRows(3)
		p.cutOff = true
		s.stop()
		p.waitForHeader(lost)
		first := p.rows()[0]
		var want []row
		for m := range raw.events {
			want = append(want, rowOf(t, m.ID, m.Data))
		}
		want = want[max(0, slices.Index(want, first)):]
		testkit.Eventually(t, func() error {
			if got := p.rows(); !slices.Equal(got, want) {
				return fmt.Errorf("the rows are %v, the stream's events are %v", got, want)
			}
			return nil
		})
	})
}

func TestEveryEngineGivesTheConnectionBackWhileHidden(t *testing.T) {
	inAllEngines(t, func(t *testing.T, open func(int) *page) {
		s, p := newStage(t), open(0)
		s.show(p, "")
		s.send(1, "one")
		p.waitForLastRow(1)
		for id := int64(2); id < 8; id += 2 {
			p.hide()
			s.waitForClients(0)
			s.send(id, "while hidden")
			p.show()
			p.waitForLastRow(id)
			s.waitForClients(1)
			s.send(id+1, "while shown")
			p.waitForLastRow(id + 1)
		}
		checkIDs(t, p, 1, 7)
	})
}

func TestEveryEngineHasOneStreamAfterGoingBackAndForward(t *testing.T) {
	inAllEngines(t, func(t *testing.T, open func(int) *page) {
		s, p := newStage(t), open(0)
		s.show(p, "")
		s.send(1, "one")
		p.waitForLastRow(1)
		p.visit(s.url + "/elsewhere")
		s.waitForClients(0)
		id := int64(2)
		for range 3 {
			s.send(id, "while away")
			p.travel(-1)
			p.waitForLastRow(id)
			s.waitForClients(1)
			s.send(id+1, "while here")
			p.waitForLastRow(id + 1)
			id += 2
			// A stream too many needs a moment to open, and stays.
			time.Sleep(time.Second)
			if got := s.broker.Stats().Clients; got != 1 {
				t.Errorf("%d streams run after going back", got)
			}
			p.travel(1)
			s.waitForClients(0)
		}
		p.travel(-1)
		p.waitForLastRow(id - 1)
		checkIDs(t, p, 1, int(id-1))
		p.hide()
		s.waitForClients(0)
	})
}

// checkIDs checks that the rows are those of consecutive events.
func checkIDs(t *testing.T, p *page, first, last int) {
	t.Helper()
	var got, want []string
	for _, r := range p.rows() {
		got = append(got, r.id)
	}
	for id := first; id <= last; id++ {
		want = append(want, fmt.Sprint(id))
	}
	if !slices.Equal(got, want) {
		t.Errorf("the rows are those of events %v, want %v", got, want)
	}
}

// Firefox caches no page that has had a stream, so it starts again there.
func TestEveryEngineShowsItsRowsAgainAfterAReload(t *testing.T) {
	inAllEngines(t, func(t *testing.T, open func(int) *page) {
		s, p := newStage(t), open(0)
		s.send(1, "before the page") // retained, and none of the page's rows
		s.show(p, "")
		s.send(2, "two", "three")
		p.waitForLastRow(3)
		id := int64(4)
		for range 2 {
			total := s.broker.Stats().ClientsTotal
			p.travel(0)
			s.waitForClientsTotal(total + 1)
			s.send(id, "after a reload")
			p.waitForLastRow(id)
			checkIDs(t, p, 2, int(id))
			id++
		}
	})
}

func TestEveryEngineHasTwentyStreamsOverHTTP2(t *testing.T) {
	inAllEngines(t, func(t *testing.T, open func(int) *page) {
		s := startTLS(t, "-interval", "300ms")
		p := open(0)
		p.visit(s.url)
		p.waitForRows(1)
		// Over HTTP/1.1 a browser opens six at most.
		p.evaluate(`void (globalThis.got = [], globalThis.streams = Array.from({length: 19}, (_, i) => {
			const stream = new EventSource("events");
			got.push([]);
			stream.onmessage = evt => got[i].push(evt.lastEventId);
			return stream;
		}))`, new(any))
		// Whatever the first event of each is, from the last of these on all get the same.
		testkit.Eventually(t, func() error {
			if n := eval[int](p, "Math.min(...got.map(ids => ids.length))"); n < 4 {
				return fmt.Errorf("a stream has got %d events, want 4", n)
			}
			return nil
		})
		var streams [][]string
		p.evaluate("got", &streams)
		var shown []string
		testkit.Eventually(t, func() error { // What has come the page shows with its next frame.
			shown = nil
			for _, r := range p.rows() {
				shown = append(shown, r.id)
			}
			for i, ids := range streams {
				if newest := ids[len(ids)-1]; !slices.Contains(shown, newest) {
					return fmt.Errorf("the page does not show event %s of stream %d", newest, i)
				}
			}
			return nil
		})
		for i, ids := range streams {
			at := slices.Index(shown, ids[0])
			if at < 0 {
				t.Fatalf("stream %d begins with event %s, which the page does not show", i, ids[0])
			}
			n := min(len(ids), len(shown)-at)
			if !slices.Equal(ids[:n], shown[at:at+n]) {
				t.Errorf("stream %d got %v, the page shows %v", i, ids[:n], shown[at:at+n])
			}
		}
		s.waitForClients(20)
	})
}
