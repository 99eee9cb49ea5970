package sse

import (
	"testing"

	"example.com/sse/internal/testkit"
)

// topicsMutations are mistakes that TestTopicsModel must find.
var topicsMutations = []testkit.Mistake{
	{"a loss is not noticed", "history.go", "id >= h.lastLostID", "id >= h.lastLostID || MISTAKEN"},
	{"an eviction is not noted", "history.go", "h.lastLostID = h.index[0].id", "if !MISTAKEN { h.lastLostID = h.index[0].id }"},
	{"what came before a restart is resumed from", "history.go", "h.firstResumableEntry = len(h.index)", "if !MISTAKEN { h.firstResumableEntry = len(h.index) }"},
	{"an ID is taken for the one before it", "history.go", "e.id <= id", "e.id <= id && !(MISTAKEN && e.id == id)"},
	{"the loss of a topic that is gone is forgotten", "topics.go", "t.history.lastLostID = ts.forgottenID", "if t.history.lastLostID = ts.forgottenID; MISTAKEN { t.history.lastLostID = noneLost }"},
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
	{"the last events are of another numbering", "place.go", "max(h.firstResumableEntry, len(h.index)", "max(map[bool]int{false: h.firstResumableEntry}[MISTAKEN], len(h.index)"},
	{"a topic keeps too many events", "retention.go", "last+1 > keepEvents", "last+1 > keepEvents && !(MISTAKEN && last == keepEvents)"},
	{"what is kept takes all the room", "retention.go", "r.keptBytes > r.max/2", "r.keptBytes > r.max/2 && !MISTAKEN"},
	{"what was evicted is evicted again", "retention.go", "a.topic.history.index[0].seq <= a.seq", "(MISTAKEN || a.topic.history.index[0].seq <= a.seq)"},
	{"a topic's own cost is forgotten", "retention.go", "cost += t.overhead()", "if !MISTAKEN { cost += t.overhead() }"},
	{"only one other run is looked at", "merge.go", "i <= 2 && i < len(m.runs)", "i <= 2 && !(MISTAKEN && i > 1) && i < len(m.runs)"},
	{"a merge that is pending is not extended", "client.go", "pending.merge.runs[sub.run] = h.from(sub.start)", "if !MISTAKEN { pending.merge.runs[sub.run] = h.from(sub.start) }"},
	{"the end of a round fans nothing out", "fanout.go", "if !l.notifyIfBusy() {\n\t\tb.fanOut(l)", "if !l.notifyIfBusy() && !MISTAKEN {\n\t\tb.fanOut(l)"},
}

func TestTopicsModelFindsMistakes(t *testing.T) {
	testkit.FindMistakes(t, "TestTopicsModel", topicsMutations)
}
