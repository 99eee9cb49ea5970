package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

// longestRetry is the longest reconnection time that the server tells a client.
const longestRetry = 3 * time.Second

// A plain EventSource gives up for good at any status but 200 (HTML, section 9.2.3), such as a proxy's 502.
func TestProxiesKeepAPlainEventSourceOverALongRestart(t *testing.T) {
	t.Parallel()
	page := elsewhere(t)
	forEachProxy(t, []string{"-interval", never.String(), "-publish-token-file", tokenFile(t)}, func(t *testing.T, s *server, fronts []front) {
		tb := newWindow(t)
		tb.visit(page)
		tb.provoked = ":" // The browser complains of each connection that it loses.
		least, best := fronts[0].url+"/events", fronts[2].url+"/demo/events"
		eval[any](tb, fmt.Sprintf(`void (window.got = [], window.sources = [%q, %q].map((url, i) => {
			const source = new EventSource(url);
			source.onmessage = evt => got.push(i + " " + evt.data);
			return source;
		}))`, least, best))
		s.waitForClients(2)
		s.kill()
		const closed = "2"
		tb.waitFor("sources[0].readyState", closed) // With the least that is needed it sees a refusal.
		a := ask(fronts[0].client(), http.MethodGet, least, "", nil, nil, 0)
		if a.status != fronts[0].proxy.away {
			t.Errorf("without a server it answers %d, want %d", a.status, fronts[0].proxy.away)
		}
		answers, client := make(chan answer, 1), fronts[2].asking()
		go func() {
			answers <- ask(client, http.MethodPost, best, "swordfish", nil, strings.NewReader("meanwhile"), 9)
		}()
		time.Sleep(longestRetry) // Until the other has tried, too.
		s.restart()
		// Whether it waits for the server or not, nobody is told that an event was published that was not.
		a = testkit.Receive(t, answers, "the answer to who publishes meanwhile")
		published := s.stats().Events == 1
		if a.status != http.StatusNoContent && a.status != fronts[0].proxy.away || published != (a.status == http.StatusNoContent) {
			t.Errorf("who publishes meanwhile is answered %v, and whether it was published: %v", a, published)
		}
		s.waitForClients(1)
		s.publish("", "after the restart")
		tb.waitFor("got.at(-1)", "1 after the restart")
	})
}
