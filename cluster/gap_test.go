package cluster

import (
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sse/sse"

	"github.com/kataras/golog"
	"github.com/nats-io/nats.go"
)

func TestGapInTheSequencesIsLoggedAndCounted(t *testing.T) {
	var lines strings.Builder
	golog.SetOutput(&lines)
	defer golog.SetOutput(os.Stdout)
	synctest.Test(t, func(t *testing.T) {
		broker := sse.NewBroker()
		m := &Member{broker: broker}
		read := func(sequences ...uint64) {
			t.Helper()
			for _, sequence := range sequences {
				if err := m.forward(t.Context(), sequence, time.Now(), &nats.Msg{Subject: subject}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Millisecond)
			}
		}
		want := func(what string, missed uint64, said ...string) {
			t.Helper()
			if got := m.Stats().Missed; got != missed {
				t.Errorf("%s: %d events are missed, want %d", what, got, missed)
			}
			got := lines.String()
			if n := strings.Count(got, "NATS:"); n != len(said) {
				t.Errorf("%s: %d lines, want %d: %s", what, n, len(said), got)
			}
			for _, words := range said {
				if !strings.Contains(got, words) {
					t.Errorf("%s: no %q in %s", what, words, got)
				}
			}
			lines.Reset()
		}
		read(100, 110)
		want("before it has caught up", 0)
		m.filled = true
		read(111, 112, 112)
		want("no gap", 0)
		read(115)
		want("a gap", 2, "2 events were deleted from the stream before they were read, the last of them between 112 and 115")
		for sequence := uint64(120); sequence < 170; sequence += 5 {
			read(sequence)
		}
		want("a burst of gaps", 42)
		time.Sleep(gapLogPause)
		read(166)
		want("the next event after a burst", 42, "40 events were deleted from the stream before they were read, the last of them between 160 and 165")
		m.shared = true
		time.Sleep(gapLogPause)
		read(180)
		want("another subject's messages", 42)
		broker.Shutdown(t.Context())
	})
}
