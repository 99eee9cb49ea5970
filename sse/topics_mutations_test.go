package sse

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A sourceMutation is a mistake that a model must find: a piece of a source, and what the mistake makes of it. There
// MISTAKEN stands for whether the mistake is made.
type sourceMutation struct{ name, file, right, wrong string }

// topicsMutations are mistakes that TestTopicsModel must find.
var topicsMutations = []sourceMutation{
	{"a loss is not noticed", "history.go", "id >= h.evictedID", "id >= h.evictedID || MISTAKEN"},
	{"an eviction is not noted", "history.go", "h.evictedID = h.index[0].id", "if !MISTAKEN { h.evictedID = h.index[0].id }"},
	{"what came before a restart is resumed from", "history.go", "h.restart = len(h.index)", "if !MISTAKEN { h.restart = len(h.index) }"},
	{"an ID is taken for the one before it", "history.go", "e.id <= id", "e.id <= id && !(MISTAKEN && e.id == id)"},
	{"the loss of a topic that is gone is forgotten", "topics.go", "t.history.evictedID = ts.forgottenID", "if t.history.evictedID = ts.forgottenID; MISTAKEN { t.history.evictedID = noneEvicted }"},
	{"a restart does not reach a quiet topic", "topics.go", "t.restarts != ts.restarts", "t.restarts != ts.restarts && !MISTAKEN"},
	{"a topic without events stays", "topics.go", "len(t.subscriptions) > 0 ||", "MISTAKEN || len(t.subscriptions) > 0 ||"},
	{"a subscription's place in its topic is not kept up", "topics.go", "t.subscriptions[s.index].index = s.index", "if !MISTAKEN { t.subscriptions[s.index].index = s.index }"},
	{"an event that waits is overtaken", "client.go", "sub.fresh = sub.topic.unsent;", "sub.fresh = sub.topic.unsent && !MISTAKEN;"},
	{"what was picked up is sent again", "client.go", "s.start, s.run = s.end, noRun", "if s.run = noRun; !MISTAKEN { s.start = s.end }"},
	{"only some subscriptions are marked", "client.go", "if !sub.fresh {", "if !sub.fresh && !(MISTAKEN && len(s.fresh) > 1) {"},
	{"a client joins while an event waits", "place.go", "s.topic.unsent ||", "s.topic.unsent && !MISTAKEN ||"},
	{"a gap is forgotten when an event comes", "client.go", "case pending.merge != nil:\n\t\t\tpending", "case pending.merge != nil && !MISTAKEN:\n\t\t\tpending"},
	{"a gap is forgotten when one of several topics has an event", "client.go", "len(s.pending) == 1 && pending.merge == nil", "len(s.pending) == 1 && (MISTAKEN || pending.merge == nil)"},
	{"a gap is not written", "merge.go", "m.first, nil; bytes != nil {", "m.first, nil; bytes != nil && MISTAKEN { bytes = nil } else if bytes != nil {"},
	{"a gap names another first event", "place.go", "events[0].seq < first.seq", "(MISTAKEN || events[0].seq < first.seq)"},
	{"a text is taken for an ID", "begin.go", "id = unplaceable", "if !MISTAKEN { id = unplaceable }"},
	{"the ID before the first is lost", "topics.go", "ts.restarts == 0 && id == ts.firstID-1", "ts.restarts == 0 && id == ts.firstID-1 && !MISTAKEN"},
	{"one event too many is among the last", "place.go", "len(h.index)-from.last)", "len(h.index)-from.last-map[bool]int{true: 1}[MISTAKEN])"},
	{"the last events are of another numbering", "place.go", "max(h.restart, len(h.index)", "max(map[bool]int{false: h.restart}[MISTAKEN], len(h.index)"},
	{"a topic keeps too many events", "retention.go", "last+1 > keepEvents", "last+1 > keepEvents && !(MISTAKEN && last == keepEvents)"},
	{"what is kept takes all the room", "retention.go", "r.keptBytes > r.max/2", "r.keptBytes > r.max/2 && !MISTAKEN"},
	{"what was evicted is evicted again", "retention.go", "a.topic.history.index[0].seq <= a.seq", "(MISTAKEN || a.topic.history.index[0].seq <= a.seq)"},
	{"a topic's own cost is forgotten", "retention.go", "cost += t.overhead()", "if !MISTAKEN { cost += t.overhead() }"},
	{"only one other run is looked at", "merge.go", "i <= 2 && i < len(m.runs)", "i <= 2 && !(MISTAKEN && i > 1) && i < len(m.runs)"},
	{"a merge that is pending is not extended", "client.go", "pending.merge.runs[sub.run] = h.from(sub.start)", "if !MISTAKEN { pending.merge.runs[sub.run] = h.from(sub.start) }"},
	{"the end of a round fans nothing out", "fanout.go", "if !l.busy() {\n\t\tb.fanOut(l)", "if !l.busy() && !MISTAKEN {\n\t\tb.fanOut(l)"},
}

// mistake is the environment's variable that says which mistake is made.
const mistake = "SSE_TEST_MISTAKE"

// mutate builds the package's tests with all mistakes in it, none of which is made by itself, and returns the binary.
func mutate(t *testing.T, mutations []sourceMutation) (binary string) {
	dir := t.TempDir()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	sources := map[string]string{"mistakes.go": fmt.Sprintf("package sse\n\nimport \"os\"\n\nvar mistaken = os.Getenv(%q)\n", mistake)}
	for _, m := range mutations {
		if sources[m.file] == "" {
			source, err := os.ReadFile(m.file)
			if err != nil {
				t.Fatal(err)
			}
			sources[m.file] = string(source)
		}
		if n := strings.Count(sources[m.file], m.right); n != 1 {
			t.Fatalf("%s has %q %d times, want once", m.file, m.right, n)
		}
		wrong := strings.ReplaceAll(m.wrong, "MISTAKEN", fmt.Sprintf("(mistaken == %q)", m.name))
		sources[m.file] = strings.Replace(sources[m.file], m.right, wrong, 1)
	}
	replace := make(map[string]string) // what go help build calls an overlay
	for name, source := range sources {
		replace[filepath.Join(here, name)] = filepath.Join(dir, name)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	binary = filepath.Join(dir, "mistaken.test.exe")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-overlay", filepath.Join(dir, "overlay.json"), "-o", binary, ".")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	return binary
}

// findMistakes checks that a test finds all of some mistakes, and nothing where none is made.
func findMistakes(t *testing.T, test string, mutations []sourceMutation) {
	if testing.Short() {
		t.Skip("-short: the mistakes are not built")
	}
	binary := mutate(t, mutations)
	for _, m := range mutations {
		t.Run(m.name, func(t *testing.T) {
			model := exec.CommandContext(t.Context(), binary, "-test.run=^"+test+"$")
			model.Env = append(os.Environ(), mistake+"="+m.name)
			output, err := model.CombinedOutput()
			if err == nil || !strings.Contains(string(output), "FAIL: "+test) && !strings.Contains(string(output), "panic: ") {
				t.Errorf("it is not found: %v: %.500s", err, output)
			}
			t.Logf("%.300s", output)
		})
	}
	t.Run("none", func(t *testing.T) {
		if output, err := exec.CommandContext(t.Context(), binary, "-test.run=^"+test+"$", "-test.short").CombinedOutput(); err != nil {
			t.Errorf("%v: %.500s", err, output)
		}
	})
}

func TestTopicsModelFindsMistakes(t *testing.T) { findMistakes(t, "TestTopicsModel", topicsMutations) }
