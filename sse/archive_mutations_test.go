package sse

import (
	"testing"

	"example.com/sse/internal/testkit"
)

// archiveMutations are mistakes that TestArchiveModel must find.
var archiveMutations = []testkit.Mistake{
	{"what the archive lacks is not told", "replay.go", "r.gap = !complete", "r.gap = !complete && !MISTAKEN"},
	{"a gap of the archive's is told twice", "replay.go", "r.gap, r.told = false, true", "r.gap, r.told = MISTAKEN, true"},
	{"a gap without an event of the archive's is forgotten", "archive.go", "r.lastEventID, r.gap", "r.lastEventID, r.gap && !MISTAKEN"},
	{"a turn begins after the first ID again", "archive.go", "from.id, from.lastEventID, from.gapDue = r.id,", "from.id, from.lastEventID, from.gapDue = map[bool]int64{true: from.id, false: r.id}[MISTAKEN],"},
	{"the archive is not read to its end", "replay.go", "time.Since(began) > replayTurn; r.more", "time.Since(began) > replayTurn; r.more || MISTAKEN && e.ID%7 == 0"},
	{"what came during the turn is taken for read", "archive.go", "from.read = r.newest", "if from.read = r.newest; MISTAKEN { from.read = b.topics.lastID }"},
	{"what is not written yet is forgotten", "replay.go", "return out.flush(1)", "if MISTAKEN { return nil }\n\treturn out.flush(1)"},
	{"the rest of a part is forgotten", "replay.go", "p.buf[:copy(p.buf, rest)]", "p.buf[:copy(p.buf, rest)*map[bool]int{false: 1}[MISTAKEN]]"},
	{"a turn is forgotten behind a heartbeat", "merge.go", "b.merge.replay == nil &&", "(MISTAKEN || b.merge.replay == nil) &&"},
}

func TestArchiveModelFindsMistakes(t *testing.T) {
	testkit.FindMistakes(t, "TestArchiveModel", archiveMutations)
}
