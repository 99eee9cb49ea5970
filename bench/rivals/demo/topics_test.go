package demo

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

func TestMain(m *testing.M) { os.Exit(testkit.Main(m, nil)) }

func timings(t *testing.T, name string) Timings {
	t.Helper()
	got, err := OpenTimings(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { got.Close() })
	return got
}

func TestTimingsAreSharedInAFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "timings")
	read, write := timings(t, name), timings(t, name)
	if n := read.Count(); n != 0 {
		t.Errorf("%d publications before the first", n)
	}
	const n = MaxTimings + 2
	for i := range n {
		write.add(time.Duration(i))
	}
	if got := read.Count(); got != n {
		t.Errorf("%d publications, want %d", got, n)
	}
	if got := read.Between(n-2, n); !slices.Equal(got, []time.Duration{n - 2, n - 1}) {
		t.Errorf("got %v", got)
	}
	if got := read.Between(0, n); len(got) != MaxTimings || got[0] != 2 {
		t.Errorf("got %d from %v on, want the last %d", len(got), got[0], MaxTimings)
	}
}

func TestEventsGoToTopicsBetweenTwoSignals(t *testing.T) {
	f := Flags{Interval: time.Microsecond, Topics: 3, Timings: filepath.Join(t.TempDir(), "timings"), toggle: make(chan os.Signal, 2)}
	published, done := make(chan string), errors.New("done")
	ended := make(chan error, 1)
	go func() {
		ended <- f.Publish(func(topic string, _ int64, _ []byte) error {
			if topic == "" {
				return errors.New("an event has no topic")
			}
			select {
			case published <- topic:
				return nil
			case <-t.Context().Done():
				return done
			}
		})
	}()
	select {
	case topic := <-published:
		t.Errorf("published to %s before the signal", topic)
	case <-time.After(10 * time.Millisecond):
	}
	f.toggle <- os.Interrupt
	topics := make(map[string]bool)
	for len(topics) < 3 {
		topics[testkit.Receive(t, published, "an event")] = true
	}
	if !topics[Topic(0)] || !topics[Topic(2)] {
		t.Errorf("published to %v", topics)
	}
	f.toggle <- os.Interrupt
	testkit.Eventually(t, func() error { // until the publication under way has ended
		select {
		case <-published:
		default:
		}
		if len(f.toggle) > 0 {
			return errors.New("it has not ended")
		}
		return nil
	})
	close(f.toggle)
	if err := testkit.Receive(t, ended, "the end"); err != nil {
		t.Error(err)
	}
	if timings := timings(t, f.Timings); timings.Count() < 3 {
		t.Errorf("%d publications are timed", timings.Count())
	}
}

func TestEachTopicGetsOneEvent(t *testing.T) {
	f := Flags{Topics: 4, Each: true, Timings: filepath.Join(t.TempDir(), "timings"), toggle: make(chan os.Signal, 2)}
	var topics []string
	var last int64
	publish := func(topic string, id int64, _ []byte) error {
		if id <= last {
			t.Errorf("ID %d after %d", id, last)
		}
		last = id
		topics = append(topics, topic)
		if len(topics) == 1 {
			f.toggle <- os.Interrupt
		}
		return nil
	}
	f.toggle <- os.Interrupt
	if err := f.Publish(publish); err != nil {
		t.Fatal(err)
	}
	if want := []string{Topic(0), Topic(1), Topic(2), Topic(3)}; !slices.Equal(topics, want) {
		t.Errorf("published to %q, want %q", topics, want)
	}
}
