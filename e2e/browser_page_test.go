package e2e

import (
	"slices"
	"testing"
)

func TestEveryEngineShowsTheStreamAndItsState(t *testing.T) {
	inAllEngines(t, func(t *testing.T, open func(int) *page) {
		s, p := newStage(t), open(0)
		s.show(p, "")
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
		p.wantRows([]row{{"1", "1700000000", "Hello"}, {"2", "", "two\nlines"}, {"3", "", "<b>時間</b>"}})
		p.waitForHeader(live)
		p.cutOff = true
		s.refuse.Store(true)
		s.cutStreams()
		p.waitForHeader(lost)
		s.refuse.Store(false)
		p.waitForHeader(live)
	})
}

func TestEveryEngineShowsNamedEventsThatTheURLNames(t *testing.T) {
	inAllEngines(t, func(t *testing.T, open func(int) *page) {
		s, p := newStage(t), open(0)
		s.show(p, "/?event=price&event=error&event=open&event=message")
		s.sendNamed(1, "price", "12")
		s.sendNamed(2, "weather", "rain")
		s.sendNamed(3, "", "no name")
		s.sendNamed(4, "error", "a server's own")
		s.sendNamed(5, "open", "a server's own")
		p.waitForLastRow(5)
		want := []row{{"1", "", "12"}, {"3", "", "no name"}, {"4", "", "a server's own"}, {"5", "", "a server's own"}}
		p.wantRows(want)
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
		s.waitForClientsTotal(total)
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
		s, p := newStage(t), open(0)
		s.show(p, "")
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
		p.waitFor("violations", "[inline inline]")
		if title := eval[string](p, "document.title"); title != "SSE" {
			t.Errorf("an %s script has run", title)
		}
		s.send(1, "one")
		p.waitForLastRow(1)
	})
}
