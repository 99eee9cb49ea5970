package sse

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"

	"example.com/sse/internal/testkit"
)

// A lifeReader is a client in a topicsLife.
type lifeReader struct {
	*reader
	topics      []string
	lastEventID string
	last        int
	want        []int64       // the events that it is to get
	seqs        []int64       // those that it got
	wantGap     *testkit.Gap  // what a gap event is to say; nil for none
	mayHaveGap  bool          // it may get one, since the broker does not know all
	allGaps     []testkit.Gap // those that it got
	late        bool          // one of them came after an event
	placed      bool
}

// parse returns all events that the client got.
func (r *lifeReader) parse() []int64 {
	whole := bytes.LastIndex(r.got, []byte("\n\n")) + 1
	whole += min(whole, 1)
	rest := r.got[whole:]
	r.got = r.got[:whole]
	if gap := bytes.Index(r.got, []byte("event: gap")); gap >= 0 {
		r.late = len(r.seqs) > 0 || bytes.Contains(r.got[:gap], []byte("id: "))
	}
	for _, payload := range r.payloads() {
		seq, _ := strconv.ParseInt(payload, 10, 64)
		r.seqs = append(r.seqs, seq)
	}
	r.got = rest
	r.allGaps = append(r.allGaps, r.gaps...)
	return r.seqs
}

// compare compares what a client got with what it is to get.
func (l *topicsLife) compare(r *lifeReader) error {
	got := r.parse()
	missing := r.want[min(len(r.want), len(got)):]
	all := !r.cut && r.writing.isEmpty() && len(r.outbox.batch) == 0 && !l.writers.lanes[few].busy() && !l.writers.lanes[many].busy()
	switch evicted := slices.ContainsFunc(missing, func(seq int64) bool { return l.model.events[seq-1].evicted }); {
	case r.late || len(r.allGaps) > 1 || len(r.allGaps) == 1 && (r.wantGap == nil || *r.wantGap != r.allGaps[0]):
		return fmt.Errorf("a client of %q that resumes from %q was told of the gaps %+v, late is %t, want %+v", r.topics, r.lastEventID, r.allGaps, r.late, r.wantGap)
	case (all || len(got) > 0) && r.wantGap != nil && !r.mayHaveGap && len(r.allGaps) == 0:
		return fmt.Errorf("a client of %q that resumes from %q was not told of %+v", r.topics, r.lastEventID, r.wantGap)
	case len(got) > len(r.want) || !slices.Equal(got, r.want[:len(got)]):
		return fmt.Errorf("a client of %q got %v, want %v", r.topics, got, r.want)
	case r.cut && !evicted:
		return fmt.Errorf("a client of %q was cut off that lacks %v, all of which is retained", r.topics, missing)
	case all && len(missing) > 0:
		return fmt.Errorf("nothing is pending for a client of %q that lacks %v", r.topics, missing)
	}
	return nil
}

// lastEventID returns an ID to resume from: of any event that ever was, about there, or none.
func (l *topicsLife) lastEventID() string {
	switch n := len(l.model.events); l.noise.IntN(9) {
	case 0:
		return ""
	case 8:
		return []string{"x", "1.5", "\x00", "99999999999999999999"}[l.noise.IntN(4)]
	case 1:
		return strconv.FormatInt([]int64{0, -1, -100, l.topics.lastID + 5, l.model.restart}[l.noise.IntN(5)], 10)
	case 2, 3, 4:
		return strconv.FormatInt(l.topics.lastID-l.noise.Int64N(12), 10)
	default:
		return strconv.FormatInt(l.model.events[l.noise.IntN(n)].id+l.noise.Int64N(2), 10)
	}
}
