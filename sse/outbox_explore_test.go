package sse

import (
	"math/rand/v2"
	"testing"
)

// explore visits every state that can be reached, and returns how many there are, and the way to one with
// which something is wrong.
func explore(m mutation) (states int, way []world, wrong string) {
	index := map[world]int32{begin(): 0}
	all := []world{begin()}
	before := []int32{-1}
	var from, to []int32 // the steps of those who are at work
	wayTo := func(i int32) (way []world) {
		for ; i >= 0; i = before[i] {
			way = append([]world{all[i]}, way...)
		}
		return way
	}
	for i := int32(0); int(i) < len(all) && wrong == ""; i++ {
		visit := func(w world, stepWrong string) int32 {
			w = w.sorted()
			j, seen := index[w]
			if !seen {
				j = int32(len(all))
				index[w] = j
				all, before = append(all, w), append(before, i)
				if stepWrong == "" {
					stepWrong = w.check()
				}
			}
			if stepWrong != "" && wrong == "" {
				way, wrong = append(wayTo(i), w), stepWrong
			}
			return j
		}
		w := all[i]
		w.choices(m, func(w world, wrong string) { visit(w, wrong) })
		w.steps(m, func(w world, wrong string) {
			from, to = append(from, i), append(to, visit(w, wrong))
		})
	}
	if wrong != "" {
		return len(all), way, wrong
	}
	// Whoever is at work can always come to an end of it.
	ends := make([]bool, len(all))
	for i, w := range all {
		ends[i] = w.quiet()
	}
	for changed := true; changed; {
		changed = false
		for i := len(from) - 1; i >= 0; i-- {
			if ends[to[i]] && !ends[from[i]] {
				ends[from[i]], changed = true, true
			}
		}
	}
	for i := range all {
		if !ends[i] {
			return len(all), wayTo(int32(i)), "a writer goes on for ever"
		}
	}
	return len(all), nil, ""
}

func TestOutboxModel(t *testing.T) {
	states, way, wrong := explore(noMutation)
	if wrong != "" {
		t.Errorf("%s:", wrong)
		for _, w := range way {
			t.Logf("%+v", w)
		}
	}
	if states < 10_000 {
		t.Errorf("only %d states are reached", states)
	}
	t.Logf("%d states", states)
}

func TestOutboxModelFindsEveryMistake(t *testing.T) {
	for _, m := range []mutation{
		releaseWithoutCompare, nextWithoutSwap, nextReceivesFirst, nextStoresWriting,
		putWithoutSwap, putSwapsFirst, putFindsAWriterAlways, closeFindsNoWriter, closeBeforeTheRest, putAfterClose,
		takeBackForgets, takenIsNotNoted, noTakeBack, writerDoesNotLookAgain,
		firstWriterIsMissing, firstWriterIsNotCounted, outboxBeginsIdle, headIsNotFirst,
		failedWriterReleases, chunkIsForgotten, writerStaysAfterHandOn,
		doneBeforeHandOn, doneTwice, doneNever, nobodyWaits,
	} {
		t.Run(string(m), func(t *testing.T) {
			states, way, wrong := explore(m)
			if wrong == "" {
				t.Errorf("not found in %d states", states)
			}
			t.Logf("%s, after %d steps", wrong, len(way)-1)
		})
	}
}

// The model's outbox does what the outbox does, where nobody else is at work.
func TestOutboxDoesWhatItsModelDoes(t *testing.T) {
	for range 10_000 {
		var o outbox
		o.init()
		w := begin()
		w.registered = true
		for range 20 {
			switch step := rand.IntN(5); {
			case step == 0:
				if _, ok := o.takeBack(); ok != w.full {
					t.Fatalf("takeBack returns %v, in %+v", ok, w)
				}
				w.full = false
			case step == 1 && !w.full && !w.closed:
				w.at = sending
				w.listenStep(noMutation, func(c world, _ string) { w = c })
				needs := w.state == idle
				w.state = dirty
				if got := o.put(batch{bytes: []byte("x")}); got != needs {
					t.Fatalf("put returns %v, in %+v", got, w)
				}
			case step == 2 && !w.closed:
				needs := w.state == idle
				w.closed, w.state = true, closing
				if got := o.close(); got != needs {
					t.Fatalf("close returns %v, in %+v", got, w)
				}
			case step == 3:
				w.writers[0].closed = false
				full := w.full
				w.swapIn(noMutation)
				w.receive(0)
				if got, closed := o.next(); got.isEmpty() == full || closed != w.writers[0].closed {
					t.Fatalf("next returns %q, %v, in %+v", got.bytes, closed, w)
				}
			case step == 4:
				releases := w.state == writing
				if releases {
					w.state = idle
				}
				if got := o.release(); got != releases {
					t.Fatalf("release returns %v, in %+v", got, w)
				}
			}
			if state := o.state.Load(); state != int32(w.state) {
				t.Fatalf("the state is %d, in %+v", state, w)
			}
		}
	}
}
