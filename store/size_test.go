package store

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"example.com/sse/sse"
)

// However large events are, and however their sizes change, the file takes no more than a small multiple of the bound.
func TestFileStaysWithinASmallMultipleOfTheBound(t *testing.T) {
	t.Parallel()
	const bound = 2 << 20
	large := strings.Repeat("x", 1<<20)
	random := rand.New(rand.NewPCG(1, 2))
	topic := func(n int) string { return fmt.Sprint("t/", random.IntN(n)) }
	kinds := []struct {
		name string
		next func(i int) sse.Event
	}{
		{"tiny", func(int) sse.Event { return sse.Event{} }},
		{"tiny, each of another topic", func(i int) sse.Event { return sse.Event{Topic: fmt.Sprint(i)} }},
		{"of a hundred bytes, of many topics", func(int) sse.Event { return sse.Event{Topic: topic(10_000), Data: []byte(large[:100])} }},
		{"of some more than half a page", func(int) sse.Event { return sse.Event{Topic: topic(50), Data: []byte(large[:maxInline/2+100])} }},
		{"of some more than a page", func(int) sse.Event { return sse.Event{Topic: topic(50), Data: []byte(large[:maxInline+1])} }},
		{"of a megabyte", func(int) sse.Event { return sse.Event{Topic: topic(3), Data: []byte(large)} }},
		{"of any size", func(int) sse.Event {
			return sse.Event{Topic: topic(1000), Data: []byte(large[:1<<random.IntN(21)-1])}
		}},
		{"tiny again", func(int) sse.Event { return sse.Event{Topic: topic(5)} }},
	}
	dir := t.TempDir()
	s := openStore(t, dir, bound)
	s.db.AllocSize = 64 << 10 // what a file is larger than it has to be is not of interest here
	for _, kind := range kinds {
		fill(t, s, kind.next, bound+bound/2)
		size := fileSize(t, dir)
		t.Logf("%.1f times the bound after events %s", float64(size)/bound, kind.name)
		// A transaction writes each page that it changes anew.
		if size > 3*bound+2*fillBatch*pageSize {
			t.Errorf("after events %s the file has %d bytes", kind.name, size)
		}
	}
}
