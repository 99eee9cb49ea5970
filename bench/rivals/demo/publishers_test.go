package demo

import (
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"example.com/sse/internal/testkit"
)

func TestSeveralPublishAtOnceBetweenTwoSignals(t *testing.T) {
	f := Flags{Publishers: 3, Timings: filepath.Join(t.TempDir(), "timings"), toggle: make(chan os.Signal, 2)}
	var published atomic.Int64
	begun, all := make(chan struct{}, f.Publishers), make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- f.Publish(func(topic string, _ int64, _ []byte) error {
			if topic != "" {
				return errors.New("an event has a topic")
			}
			select {
			case begun <- struct{}{}:
			default:
			}
			select {
			case <-all: // None ends before all have begun.
			case <-t.Context().Done():
			}
			published.Add(1)
			return nil
		})
	}()
	f.toggle <- os.Interrupt
	for range f.Publishers {
		testkit.Receive(t, begun, "a publisher's event")
	}
	close(all)
	testkit.Eventually(t, func() error {
		if published.Load() < 10 {
			return errors.New("they do not go on")
		}
		return nil
	})
	f.toggle <- os.Interrupt
	close(f.toggle)
	if err := testkit.Receive(t, ended, "the end"); err != nil {
		t.Error(err)
	}
	if got, want := timings(t, f.Timings).Count(), int(published.Load()); got != want {
		t.Errorf("%d publications are timed, want %d", got, want)
	}
}

func TestAPublicationThatFailsEndsAll(t *testing.T) {
	f := Flags{Publishers: 2, Timings: filepath.Join(t.TempDir(), "timings"), toggle: make(chan os.Signal, 2)}
	f.toggle <- os.Interrupt
	failed := errors.New("failed")
	var published atomic.Int64
	ended := make(chan error, 1)
	go func() {
		ended <- f.Publish(func(string, int64, []byte) error {
			if published.Add(1) == 3 {
				return failed
			}
			return nil
		})
	}()
	if err := testkit.Receive(t, ended, "the end"); err != failed {
		t.Errorf("got %v, want %v", err, failed)
	}
}
