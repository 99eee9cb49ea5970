package sse

import (
	"runtime"
	"sync"
	"testing"
)

// Whether a round ends before, while or after listen looks for it, listen either sees its end or is told of it.
func TestEndOfARoundThatIsAwaitedIsTold(t *testing.T) {
	var atOnce, later int
	for round := range 20_000 {
		w := newWriters()
		l := &w.lanes[round%len(w.lanes)]
		running := l.running
		writers := l.enough + 1
		running.n.Add(writers)
		var ends sync.WaitGroup
		begin := make(chan struct{})
		for range writers {
			ends.Go(func() {
				<-begin
				running.done(l.ended)
			})
		}
		close(begin)
		if round%4 < 2 {
			runtime.Gosched()
		}
		awaited := l.notifyIfBusy()
		ends.Wait()
		switch {
		case l.busy():
			t.Fatal("the round has not ended")
		case awaited && len(l.ended) == 0:
			t.Fatal("listen waits for a round whose end it is not told of")
		case awaited:
			later++
		default:
			atOnce++
		}
	}
	t.Logf("%d rounds had ended before, %d were awaited", atOnce, later)
}

// An event that nobody waits behind wakes listen once, for the event itself.
func TestEndOfARoundThatIsNotAwaitedIsNotTold(t *testing.T) {
	w := newWriters()
	l := &w.lanes[many]
	l.running.n.Add(1)
	l.running.done(l.ended)
	if len(l.ended) > 0 {
		t.Error("listen is told of a round that it does not await")
	}
	l.running.n.Add(1)
	l.notifyIfBusy()
	l.abandonRound()
	if l.notifyIfBusy() {
		t.Error("an abandoned round is awaited")
	}
}
