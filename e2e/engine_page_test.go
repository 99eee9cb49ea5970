package e2e

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

func TestEveryEngineShowsTheStreamAndItsState(t *testing.T) {
	inAllEngines(t, func(t *testing.T, open func(int) *page) {
		s := newStage(t)
		p := open(0)
		p.visit(s.url)
		s.waitForClients(1)
		if got := p.header(); got != waiting {
			t.Errorf("the header says %q, want %q", got, waiting)
		}
		if title := eval[string](p, "document.title"); title != "SSE" {
			t.Errorf("the title is %q", title)
		}
		columns := eval[[]string](p, `Array.from(document.querySelectorAll("#messagesTable th"), th => th.innerText)`)
		if want := []string{"Timestamp (server)", "Message"}; !slices.Equal(columns, want) {
			t.Errorf("the columns are %q, want %q", columns, want)
		}
		s.send(1, `{"timestamp":1700000000,"message":"Hello"}`, "two\nlines", "<b>時間</b>")
		p.waitForLastRow(3)
		want := []row{{"1", "1700000000", "Hello"}, {"2", "", "two\nlines"}, {"3", "", "<b>時間</b>"}}
		if got := p.rows(); !slices.Equal(got, want) {
			t.Errorf("the rows are %q, want %q", got, want)
		}
		p.waitForHeader(live)
		p.cutOff = true
		s.refuse.Store(true)
		s.cutStreams()
		p.waitForHeader(lost)
		s.refuse.Store(false)
		p.waitForHeader(live)
	})
}

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
		if code := s.stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
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
		s := newStage(t)
		p := open(0)
		p.visit(s.url)
		s.waitForClients(1)
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
		s := newStage(t)
		p := open(0)
		p.visit(s.url)
		s.waitForClients(1)
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
		s := newStage(t)
		p := open(0)
		s.send(1, "before the page") // retained, and none of the page's rows
		p.visit(s.url)
		s.waitForClients(1)
		s.send(2, "two", "three")
		p.waitForLastRow(3)
		id := int64(4)
		for range 2 {
			total := s.broker.Stats().ClientsTotal
			p.travel(0)
			testkit.Eventually(t, func() error {
				if got := s.broker.Stats(); got.ClientsTotal != total+1 || got.Clients != 1 {
					return fmt.Errorf("the page was not loaded again: %+v", got)
				}
				return nil
			})
			s.send(id, "after a reload")
			p.waitForLastRow(id)
			checkIDs(t, p, 2, int(id))
			id++
		}
	})
}

func TestEveryEngineHasTwentyStreamsOverHTTP2(t *testing.T) {
	inAllEngines(t, func(t *testing.T, open func(int) *page) {
		cert, key := certificate(t)
		s := start(t, "-interval", "300ms", "-cert", cert, "-key", key)
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
		for _, r := range p.rows() {
			shown = append(shown, r.id)
		}
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
		client := trusting(t, cert, true)
		if body := string(testkit.Get(t, client, s.url+"/stats")); !strings.Contains(body, `"clients":20,`) {
			t.Errorf("want 20 clients: %s", body)
		}
	})
}

func TestEveryEngineFitsANarrowScreen(t *testing.T) {
	inAllEngines(t, func(t *testing.T, open func(int) *page) {
		const width = 360
		s := newStage(t)
		p := open(width)
		p.visit(s.url)
		s.waitForClients(1)
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
		s := newStage(t)
		p := open(0)
		p.visit(s.url)
		s.waitForClients(1)
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

func TestEveryEngineShowsNamedEventsThatTheURLNames(t *testing.T) {
	inAllEngines(t, func(t *testing.T, open func(int) *page) {
		s := newStage(t)
		p := open(0)
		p.visit(s.url + "/?event=price&event=error&event=open&event=message")
		s.waitForClients(1)
		s.sendNamed(1, "price", "12")
		s.sendNamed(2, "weather", "rain")
		s.sendNamed(3, "", "no name")
		s.sendNamed(4, "error", "a server's own")
		s.sendNamed(5, "open", "a server's own")
		p.waitForLastRow(5)
		want := []row{{"1", "", "12"}, {"3", "", "no name"}, {"4", "", "a server's own"}, {"5", "", "a server's own"}}
		if got := p.rows(); !slices.Equal(got, want) {
			t.Errorf("the rows are %v, want %v", got, want)
		}
		names := eval[[]string](p, `Array.from(messagesTable.tBodies[0].rows, row =>
			getComputedStyle(row.cells[1], "::before").content === "none" ? "" : row.cells[1].dataset.name)`)
		if want := []string{"price", "", "error", "open"}; !slices.Equal(names, want) {
			t.Errorf("the names shown are %q, want %q", names, want)
		}
		if got := s.broker.Stats().ClientsTotal; got != 1 || p.header() != live {
			t.Errorf("the page has opened %d streams and says %q", got, p.header())
		}

		// Without names in the URL, an event named error is not the browser's.
		p.visit(s.url + "/")
		const total = 2
		testkit.Eventually(t, func() error {
			if got := s.broker.Stats(); got.ClientsTotal != total || got.Clients != 1 {
				return fmt.Errorf("the page has no stream: %+v", got)
			}
			return nil
		})
		s.sendNamed(6, "error", "a server's own")
		s.sendNamed(7, "", "no name")
		p.waitForLastRow(7)
		checkIDs(t, p, 7, 7)
		if got := s.broker.Stats().ClientsTotal; got != total || p.header() != live {
			t.Errorf("the page has opened %d more streams and says %q", got-total, p.header())
		}
	})
}

func TestEveryEngineRunsNoScriptButThePagesOwn(t *testing.T) {
	inAllEngines(t, func(t *testing.T, open func(int) *page) {
		s := newStage(t)
		p := open(0)
		p.visit(s.url)
		s.waitForClients(1)
		p.provoked = "script-src"
		p.evaluate(`void (() => {
			globalThis.violations = [];
			document.addEventListener("securitypolicyviolation", evt => violations.push(evt.blockedURI));
			const script = document.createElement("script");
			script.textContent = "document.title = 'inline'";
			document.body.append(script);
			const div = document.createElement("div");
			div.innerHTML = "<b onclick=\"document.title = 'attribute'\">";
			document.body.append(div);
			div.firstChild.click();
		})()`, new(any))
		testkit.Eventually(t, func() error {
			if got := eval[[]string](p, "violations"); !slices.Equal(got, []string{"inline", "inline"}) {
				return fmt.Errorf("violations of the page's policy: %q", got)
			}
			return nil
		})
		if title := eval[string](p, "document.title"); title != "SSE" {
			t.Errorf("an %s script has run", title)
		}
		s.send(1, "one")
		p.waitForLastRow(1)
	})
}
