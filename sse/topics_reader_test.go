package sse

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
)

// A lifeReader is a client in a topicsLife.
type lifeReader struct {
	*reader
	topics []string
	want   []int64 // the events that it is to get
	seqs   []int64 // those that it got
	placed bool
}

// parse returns all events that the client got.
func (r *lifeReader) parse() []int64 {
	whole := bytes.LastIndex(r.got, []byte("\n\n")) + 1
	whole += min(whole, 1)
	rest := r.got[whole:]
	r.got = r.got[:whole]
	for _, payload := range r.payloads() {
		seq, _ := strconv.ParseInt(payload, 10, 64)
		r.seqs = append(r.seqs, seq)
	}
	r.got = rest
	return r.seqs
}

// compare compares what a client got with what it is to get.
func (l *topicsLife) compare(r *lifeReader) error {
	got := r.parse()
	missing := r.want[min(len(r.want), len(got)):]
	all := !r.cut && r.writing.isEmpty() && len(r.outbox.batch) == 0 && !l.writers.lanes[few].busy() && !l.writers.lanes[many].busy()
	switch evicted := slices.ContainsFunc(missing, func(seq int64) bool { return l.model.events[seq-1].evicted }); {
	case len(got) > len(r.want) || !slices.Equal(got, r.want[:len(got)]):
		return fmt.Errorf("a client of %q got %v, want %v", r.topics, got, r.want)
	case r.cut && !evicted:
		return fmt.Errorf("a client of %q was cut off that lacks %v, all of which is retained", r.topics, missing)
	case all && len(missing) > 0:
		return fmt.Errorf("nothing is pending for a client of %q that lacks %v", r.topics, missing)
	}
	return nil
}
