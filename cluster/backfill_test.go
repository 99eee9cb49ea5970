package cluster

import (
	"testing"

	"github.com/nats-io/nats.go/jetstream"
)

func TestReadingGoesOnAfterTheLastEvent(t *testing.T) {
	for _, test := range []struct {
		what             string
		first, end, msgs uint64
		size             uint64 // of a message
		last             uint64
		filled           bool
		wantStart        uint64
	}{
		{"an empty stream", 1000, 999, 0, 0, 0, false, 1000},
		{"an empty stream that NATS numbers from 0", 0, 0, 0, 0, 0, false, 1},
		{"a stream as full as ours may be", 1000, 999 + maxMessages, maxMessages, 1024, 0, false, 1000},
		{"one that holds as few, but over a longer time", 1000, 900_000, maxMessages, 1024, 0, false, 1000},
		{"a longer stream", 1000, 900_000, 899_001, 70, 0, false, 900_000 - maxMessages + 1},
		{"a larger one", 1000, 900_000, 899_001, 1 << 20, 0, false, 900_000 - 64 + 1},
		{"nothing new", 1000, 1500, 501, 1, 1500, true, 1501},
		{"something new", 1000, 1500, 501, 1, 1200, true, 1201},
		{"much new", 1000, 900_000, 899_001, 70, 1200, true, 1201},
		{"much new before it was filled", 1000, 900_000, 899_001, 70, 1200, false, 900_000 - maxMessages + 1},
		{"something new before it was filled", 1000, 1500, 501, 1, 1200, false, 1201},
		{"the stream has gone on", 3000, 3500, 501, 1, 1200, true, 1201},
		{"all but its beginning is lost", 1, 5, 5, 1, 1200, true, 1},
		{"its end is lost", 1000, 1199, 200, 1, 1200, true, 1000},
	} {
		state := jetstream.StreamState{FirstSeq: test.first, LastSeq: test.end, Msgs: test.msgs, Bytes: test.msgs * test.size}
		if got := startSequence(state, test.last, test.filled); got != test.wantStart {
			t.Errorf("%s: start at %d, want %d", test.what, got, test.wantStart)
		}
	}
}
