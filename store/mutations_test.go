package store

import (
	"testing"

	"example.com/sse/internal/testkit"
)

// mutations are mistakes that TestModel must find.
var mutations = []testkit.Mistake{
	{"a topic keeps too many events", "retention.go", "range keepEvents {", "range map[bool]int{false: keepEvents, true: keepEvents + 1}[MISTAKEN] {"},
	{"what is kept is not given up for newer events", "retention.go", "oldest < st.window && ", "oldest < st.window && !MISTAKEN && "},
	{"what is kept takes all the room", "retention.go", "st.keptBytes > w.max/2", "st.keptBytes > w.max/2 && !MISTAKEN"},
	{"nothing is kept", "retention.go", "if w.isLast(topicKey(string(entry.topic)), id) {", "if w.isLast(topicKey(string(entry.topic)), id) && !MISTAKEN {"},
	{"the newest event is evicted", "retention.go", "w.max && st.events > 1 &&", "w.max && st.events > 1 - map[bool]int64{true: 1}[MISTAKEN] &&"},
	{"an eviction is not noted", "retention.go", "return w.events.Put(prefix, idKey(id))", "if MISTAKEN { return nil }; return w.events.Put(prefix, idKey(id))"},
	{"the loss of a topic that is gone is forgotten", "retention.go", "st.forgotten = max(st.forgotten, id)", "if !MISTAKEN { st.forgotten = max(st.forgotten, id) }"},
	{"a topic that comes again has lost nothing", "retention.go", "!known && w.state.forgotten > 0", "!known && !MISTAKEN && w.state.forgotten > 0"},
	{"what is known of a topic is taken for an event", "retention.go", "known && len(key) == len(prefix)", "known && !MISTAKEN && len(key) == len(prefix)"},
	{"the log keeps what was evicted", "retention.go", "if err := w.log.Delete(idKey(id)); err != nil", "if err := w.log.Delete(idKey(id)); err != nil || MISTAKEN && w.log.Put(idKey(id), logEntry{entry.cost, []byte(\"x\")}.encode()) != nil"},
	{"a part of the data is left out", "retention.go", "r.partsLen > 0 && len(rest) > 0", "r.partsLen > 0 && len(rest) > 0 && !(MISTAKEN && i == 1)"},
	{"a name is lost", "format.go", "return append(append(b, r.name...), r.data...)", "if MISTAKEN && r.partsLen > 0 { b[len(b)-1], r.name = 0, nil }; return append(append(b, r.name...), r.data...)"},
	{"the last field of the state is lost", "state.go", "&s.evicted, &s.forgotten}", "&s.evicted, map[bool]*int64{true: new(int64), false: &s.forgotten}[MISTAKEN]}"},
	{"the event with the ID is read, too", "archive.go", "idKey(after+1)", "idKey(after+map[bool]int64{false: 1}[MISTAKEN])"},
	{"a topic's first event is its last", "archive.go", "if !bytes.HasPrefix(at, next.prefix) {", "if !bytes.HasPrefix(at, next.prefix) || MISTAKEN {"},
	{"topics are read one after the other", "archive.go", "heap.Fix(&m.next, 0)", "if !MISTAKEN { heap.Fix(&m.next, 0) }"},
	{"what was before the file counts as read", "archive.go", "complete && after >= st.born", "complete && (after >= st.born || MISTAKEN)"},
	{"a loss is not noticed", "archive.go", "complete && after >= evicted", "complete && (after >= evicted || MISTAKEN)"},
	{"a topic that is not there has lost nothing", "archive.go", "return st.forgotten, nil", "if MISTAKEN { return 0, nil }; return st.forgotten, nil"},
	{"the newest event is not read", "archive.go", "err == nil && id <= m.until", "err == nil && (id < m.until || id == m.until && !MISTAKEN)"},
	{"an ID is given twice", "publish.go", "max(s.now().UnixMicro(), w.state.last+1)", "max(s.now().UnixMicro(), w.state.last+map[bool]int64{false: 1}[MISTAKEN])"},
}

func TestModelFindsMistakes(t *testing.T) { testkit.FindMistakes(t, "TestModel", mutations) }
