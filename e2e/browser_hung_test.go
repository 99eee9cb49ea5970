package e2e

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
	"example.com/sse/sse"
)

// A proxy can hang. The kernel acknowledges all that is sent to it, so neither the server nor the browser
// learns of it.
func TestEveryEngineOpensAStreamAgainThatHangs(t *testing.T) {
	inAllEngines(t, func(t *testing.T, open func(int) *page) {
		s := newStageOf(t, sse.New(sse.Options{Heartbeat: time.Second}))
		s.server.Config.SetKeepAlivesEnabled(false) // The browser would try each connection that it has kept.
		proxy := newRelay(t, strings.TrimPrefix(s.url, "http://"))
		p := open(0)
		p.cutOff = true
		p.visit("http://" + proxy.addr)
		s.waitForClients(1)
		s.send(1, "one")
		p.waitForLastRow(1)

		// The connections that there are hang for ever; another passes.
		proxy.hang()
		proxy.pass()
		s.send(2, "two", "three")
		p.waitForLastRow(3)
		p.waitForHeader(live)

		// All hang, also the one that the page opens next.
		proxy.hang()
		s.send(4, "four")
		p.waitForHeader(late)
		proxy.hang()
		proxy.pass()
		s.send(5, "five")
		p.waitForLastRow(5)
		s.send(6, "six")
		p.waitForLastRow(6)
		p.waitForHeader(live)
		checkIDs(t, p, 1, 6)
	})
}

func TestEveryEngineTellsAQuietStreamFromOneThatHangs(t *testing.T) {
	inAllEngines(t, func(t *testing.T, open func(int) *page) {
		// A machine that is busy may keep a heartbeat back for longer than three seconds.
		const heartbeat = 3 * time.Second
		s := newStageOf(t, sse.New(sse.Options{Heartbeat: heartbeat}))
		p := open(0)
		s.show(p, "/?event=heartbeat")
		s.send(1, "one")
		p.waitForLastRow(1)
		p.evaluate(`void (globalThis.said = [], new MutationObserver(() => said.push(header.innerText))
			.observe(header, {childList: true, subtree: true, characterData: true}))`, new(any))
		check := func(why string) {
			t.Helper()
			if said := eval[[]string](p, "said"); len(said) > 0 {
				t.Errorf("%s, the header said %q", why, said)
			}
			if rows := p.rows(); len(rows) != 1 {
				t.Errorf("%s, the page shows %v", why, rows)
			}
		}
		total := s.broker.Stats().ClientsTotal
		s.passHeartbeats(5)
		check("while nothing was sent")

		// A page that sleeps, as a machine or a debugger can make it, has missed nothing when it wakes.
		p.evaluate(fmt.Sprintf(`void (() => { for (const end = Date.now() + %d; Date.now() < end;); })()`, 5*heartbeat.Milliseconds()), new(any))
		s.passHeartbeats(1)
		check("after a sleep")
		if got := s.broker.Stats().ClientsTotal; got != total+2 { // passHeartbeats had a stream twice.
			t.Errorf("the page has opened %d streams more", got-total-2)
		}

		// What the page has closed stays so.
		p.hide()
		s.waitForClients(0)
		s.passHeartbeats(5)
		s.waitForClients(0)
		if got := s.broker.Stats().ClientsTotal; got != total+3 {
			t.Errorf("the hidden page has opened %d streams", got-total-3)
		}
	})
}

// passHeartbeats waits until a stream has had so many heartbeats after the one that it begins with.
func (s *stage) passHeartbeats(n int) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), testkit.Limit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/events?heartbeat=show", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	clients := s.broker.Stats().Clients
	response, err := streaming.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer s.waitForClients(clients)
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	for n >= 0 && lines.Scan() {
		if lines.Text() == "event: heartbeat" {
			n--
		}
	}
	if n >= 0 {
		s.t.Fatalf("%d heartbeats did not come: %v", n+1, lines.Err())
	}
}

// The documents' client does what they say. Only its address and its pace are changed.
func TestEveryEngineRunsTheDocumentsClient(t *testing.T) {
	inAllEngines(t, func(t *testing.T, open func(int) *page) {
		client := clientOf(t, "docs/operating.md")
		if chinese := clientOf(t, "README.zh-CN.md"); chinese != client {
			t.Errorf("the documents have different clients:\n%s\n%s", client, chinese)
		}
		s := newStageOf(t, sse.New(sse.Options{Heartbeat: time.Second}))
		s.server.Config.SetKeepAlivesEnabled(false)
		proxy := newRelay(t, strings.TrimPrefix(s.url, "http://"))
		for old, new := range map[string]string{"localhost:8080": proxy.addr, ", 3000)": ", 300)"} {
			if strings.Count(client, old) != 1 {
				t.Fatalf("the client has not one %q:\n%s", old, client)
			}
			client = strings.Replace(client, old, new, 1)
		}
		p := open(0)
		p.cutOff = true
		p.visit(s.url + "/elsewhere")
		p.evaluate("void (() => { globalThis.got = []; const console = {log: (id, data) => got.push(id + ' ' + data)};\n"+client+"})()", new(any))
		waitFor := func(last string) {
			t.Helper()
			p.waitFor("got.at(-1)", last)
		}
		s.waitForClients(1)
		s.send(1, "one")
		waitFor("1 one")

		// An answer that is final.
		s.refuse.Store(true)
		s.cutStreams()
		s.waitForRefusals(2)
		s.send(2, "two")
		s.refuse.Store(false)
		waitFor("2 two")

		proxy.hang()
		proxy.pass()
		s.send(3, "three")
		waitFor("3 three")
		s.send(4, "four")
		waitFor("4 four")
		if got, want := eval[[]string](p, "got"), []string{"1 one", "2 two", "3 three", "4 four"}; !slices.Equal(got, want) {
			t.Errorf("the client has got %q, want %q", got, want)
		}
	})
}

// clientOf returns the last program in JavaScript that a document shows.
func clientOf(t *testing.T, document string) (client string) {
	t.Helper()
	for _, b := range blocksOf(t, document) {
		if b.language == "js" {
			client = b.text
		}
	}
	return client
}
