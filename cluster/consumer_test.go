package cluster

import (
	"testing"

	"github.com/nats-io/nats.go/jetstream"
)

func TestReadingGoesOnAfterTheLastEvent(t *testing.T) {
	for _, test := range []struct {
		what                        string
		first, end, last, wantStart uint64
	}{
		{"an empty stream", 1000, 999, 0, 1000},
		{"an empty stream that NATS numbers from 0", 0, 0, 0, 1},
		{"a short stream", 1000, 1500, 0, 1000},
		{"a long stream", 1000, 10_000, 0, 10_000 - backfill + 1},
		{"nothing new", 1000, 1500, 1500, 1501},
		{"something new", 1000, 1500, 1200, 1201},
		{"much new", 1000, 20_000, 1200, 1201},
		{"the stream has gone on", 3000, 3500, 1200, 1201},
		{"all but its beginning is lost", 1, 5, 1200, 1},
		{"its end is lost", 1000, 1199, 1200, 1000},
	} {
		state := jetstream.StreamState{FirstSeq: test.first, LastSeq: test.end}
		if got := startSequence(state, test.last); got != test.wantStart {
			t.Errorf("%s: start at %d, want %d", test.what, got, test.wantStart)
		}
	}
}
