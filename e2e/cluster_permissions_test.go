package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// permissions returns the subjects to which docs/operating.md says that a server publishes, as a NATS configuration has them.
func permissions(t *testing.T) string {
	t.Helper()
	found := regexp.MustCompile(`(?s)publish = (\[\n.*?\n\])`).FindStringSubmatch(read(t, "../docs/operating.md"))
	if found == nil {
		t.Fatal("docs/operating.md does not say what a server needs")
	}
	return found[1]
}

// A server that has the documented permissions and no more does all that it does, also for clients with old IDs. Where it
// may not delete consumers, NATS does, and one line says that it may not.
func TestServerNeedsNoMorePermissionsThanAreDocumented(t *testing.T) {
	t.Parallel()
	all := permissions(t)
	for _, test := range []struct {
		what, publish string
		lines         int
	}{
		{"all that are documented", all, 0},
		{"all but those for the end of a replay", strings.Replace(all, `"$JS.API.CONSUMER.DELETE.SSE.*"`, "", 1), 1},
	} {
		t.Run(test.what, func(t *testing.T) {
			t.Parallel()
			n := startNATS(t, "-c", configFile(t, fmt.Sprintf(`authorization { users: [
				{ user: all, password: all },
				{ user: server, password: server, permissions: { publish: %s, subscribe: "_INBOX.>" } },
			] }`, test.publish)))
			s := n.as("server:server").serve("-history", "40000", "-interval", "100ms", "-publish-token-file", tokenFile(t))
			subscribe(t, s.url+"/events", "").next()
			s.publish("mail/anna", "for Anna")
			js := jetStream(t, n.as("all:all").client)
			first := publishInTurn(t, js, 50, 5000, "x")
			waitForSequence(t, s, first+4999)
			for _, topics := range [][]int{{49}, {1, 2, 49}, {49}} {
				c := newCollector(50, first, first, topics...)
				if err := c.read(limited(t), first+4950, s); err != nil {
					t.Error(err)
				}
			}
			if test.lines == 0 {
				checkConsumersAreGone(t, js, 1)
			} else {
				s.waitForOutput("nats: permissions violation")
			}
			if got := strings.Count(s.output(), "nats: permissions violation"); got != test.lines {
				t.Errorf("%d lines tell of what is forbidden, want %d:\n%s", got, test.lines, s.output())
			}
		})
	}
}
