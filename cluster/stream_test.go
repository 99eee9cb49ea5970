package cluster

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

func TestIDsRiseWhereTheStreamIsCreatedAgain(t *testing.T) {
	now := time.Now()
	before, after := configuration(now, 1), configuration(now.Add(time.Second), 1)
	if before.FirstSeq != uint64(now.UnixMicro()) || after.FirstSeq < before.FirstSeq+900_000 {
		t.Errorf("first sequences %d and, a second later, %d", before.FirstSeq, after.FirstSeq)
	}
}

func TestHowAStreamDiffersIsSaidInWords(t *testing.T) {
	ours := configuration(time.Now(), 2)
	for _, test := range []struct {
		change func(*jetstream.StreamConfig)
		want   string
	}{
		{func(*jetstream.StreamConfig) {}, ""},
		{func(c *jetstream.StreamConfig) { c.FirstSeq = 1 }, ""},
		{func(c *jetstream.StreamConfig) { c.Replicas = 3 }, ""},
		{func(c *jetstream.StreamConfig) { c.Replicas = 1 }, "replicas 1 and not 2"},
		{func(c *jetstream.StreamConfig) { c.Subjects = []string{"x"} }, "subjects [x] and not [sse.events]"},
		{func(c *jetstream.StreamConfig) { c.Retention = jetstream.WorkQueuePolicy }, "retention WorkQueue and not Limits"},
		{func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardNew }, "discard DiscardNew and not DiscardOld"},
		{func(c *jetstream.StreamConfig) { c.Duplicates, c.MaxBytes = time.Second, 1 },
			"max bytes 1 and not 67108864, duplicate window 1s and not 2m0s"},
	} {
		theirs := ours
		test.change(&theirs)
		if got := configDiff(theirs, ours); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}
