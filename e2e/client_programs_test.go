package e2e

import (
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A client is a program of somebody else's that watches an event stream. Its command gets the
// stream's URL as its last argument, and prints each event that it gets as a line of JSON.
type client struct {
	name    string
	command []string // its program first, as it is found on PATH or in a pattern of needs
	needs   []string // files and commands that must be here; a pattern may match any file
	how     string   // how to get them

	// emptyAtEnd says that the client takes what comes after the last event, a heartbeat say, for
	// an event without data when the stream ends.
	emptyAtEnd bool
}

const (
	goClients  = "clients"
	fromNPM    = "install npm, then run e2e/setup"
	node       = "clients/node_modules/node-*/bin/node"
	deno       = "clients/node_modules/@deno/*/deno"
	python     = "/usr/bin/python3" // Debian's, which has Debian's packages
	pyPackages = "/usr/lib/python3/dist-packages/"
)

// clients are all that the server is tested with, but for those in pages. What a client needs from
// whoever uses it is in its program in clients/, and in docs/operating.md.
var clients = []client{
	{name: "r3labs/sse", command: []string{goClients, "r3labs"}, emptyAtEnd: true},
	{name: "tmaxmax/go-sse", command: []string{goClients, "tmaxmax"}},
	{name: "launchdarkly/eventsource", command: []string{goClients, "launchdarkly"}},
	{name: "bufio.Scanner", command: []string{goClients, "scanner"}},

	{name: "Node's EventSource", command: []string{node, "--experimental-eventsource", "clients/watch.mjs", "built-in"}, needs: []string{node}, how: fromNPM},
	{name: "eventsource", command: []string{node, "clients/watch.mjs", "eventsource"}, needs: []string{node}, how: fromNPM},
	{name: "@microsoft/fetch-event-source", command: []string{node, "clients/watch.mjs", "fetch-event-source"}, needs: []string{node}, how: fromNPM},
	{name: "Deno's EventSource", command: []string{deno, "run", "--allow-net", "clients/watch.mjs", "built-in"}, needs: []string{deno}, how: fromNPM},

	{name: "requests", command: []string{python, "clients/watch.py", "requests"}, needs: []string{python, pyPackages + "requests"}, how: "apt-get install python3-requests"},
	{name: "urllib3", command: []string{python, "clients/watch.py", "urllib3"}, needs: []string{python, pyPackages + "urllib3"}, how: "apt-get install python3-urllib3"},
	{name: "httpx", command: []string{python, "clients/watch.py", "httpx"}, needs: []string{python, pyPackages + "httpx"}, how: "apt-get install python3-httpx"},

	{name: "Java's HttpClient", command: []string{"java", "-XX:TieredStopAtLevel=1", "clients/Watch.java"}, needs: []string{"javac"}, how: "apt-get install default-jdk-headless"},
}

// TestEveryClientGetsEachEventAtOnceAndResumes takes all clients at the same time through what tells
// a good stream from a bad one.
func TestEveryClientGetsEachEventAtOnceAndResumes(t *testing.T) {
	t.Parallel()
	s := start(t, "-interval", never.String(), "-heartbeat", "5s", "-publish-token-file", tokenFile(t))
	// The largest events that POST accepts: each line takes seven bytes more. fetch-event-source loses empty
	// lines where data begins.
	line := strings.Repeat("x", largestBody)
	lines := strings.Repeat("x", largestBody%7) + strings.Repeat("\n", largestBody/7)
	a := &audience{t: t, s: s}
	for _, c := range clients {
		t.Run(c.name, func(t *testing.T) {
			command := append(c.find(t), s.url+"/events")
			a.members = append(a.members, c.join(a.t, command))
		})
	}
	a.begin()
	a.waitUntilConnected()

	// At once: all have seen an event before there is another that could push it out of a buffer.
	for _, data := range []string{"first", "größe \u2028 \u0085 ✓ 漢 🎈", "two\nlines", " spaces ", `{"message":"Hello"}`} {
		a.publish("", data)
		a.waitUntilSeen()
	}
	a.publish("named", "with a name")
	for _, data := range []string{line, lines} {
		s.wantPost(post{data: data + "x"}, http.StatusRequestEntityTooLarge)
		a.publish("", data)
	}
	a.waitUntilSeen()

	// What was published is lost with the server: the last event ID of a client gets it all that is
	// retained since. The largest events come again, right after the first line of a stream.
	s.kill()
	s.restart()
	a.begin()
	last := len(a.events) - 1
	for _, data := range []string{line, lines, "after kill -9"} {
		a.publish("", data)
	}
	a.waitUntilConnected()
	a.wantGaps(last)

	// A heartbeat is the last that comes before the end: where one stream has had two, each has had one.
	waitForHeartbeats := a.heartbeats()
	a.publish("", "before the silence")
	a.waitUntilSeen()
	waitForHeartbeats()
	s.stop()
	s.restart()
	a.begin()
	last = len(a.events) - 1
	a.publish("", "after SIGTERM")
	a.waitUntilConnected()
	a.wantGaps(last)
	a.publish("", "last")
	a.waitUntilSeen()
	if figures := s.stats(); figures.ResumesIncomplete < int64(len(a.members)) {
		t.Errorf("not all of %d told their last event ID: %+v", len(a.members), figures)
	}
}

// find returns the client's command with the path of its program, or skips the test where something
// that the client needs is not here.
func (c client) find(t *testing.T) []string {
	t.Helper()
	command := slices.Clone(c.command)
	for _, needed := range c.needs {
		found, err := filepath.Glob(needed)
		if err != nil {
			t.Fatal(err)
		}
		if len(found) == 0 {
			need(t, needed, c.how)
		} else if needed == command[0] {
			command[0] = found[0]
		}
	}
	if command[0] == goClients {
		command[0] = clientsBinary
	}
	return command
}
