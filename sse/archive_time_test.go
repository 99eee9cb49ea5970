package sse

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sse/internal/testkit"
)

// overEachProtocolArchived is overEachProtocol for a broker with an archive of so many events, of which the broker itself
// retains only the last.
func overEachProtocolArchived(t *testing.T, events, size int, s func() Stream, test func(t *testing.T, b *Broker, a *sliceArchive, open func(header ...string) io.Reader)) {
	var a *sliceArchive
	overEachProtocolTo(t, func(t *testing.T) (*Broker, http.Handler) {
		a = new(sliceArchive)
		b := newArchivedBroker(Options{History: 1, Log: quiet}, a)
		for id := range int64(events) {
			publishArchived(t, b, a, Event{ID: id + 1, Data: []byte(strings.Repeat("x", size))})
		}
		return b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { b.Serve(w, r, s()) })
	}, func(t *testing.T, b *Broker, open func(header ...string) io.Reader) { test(t, b, a, open) })
}

// publishArchived stores an event, and then gives it to a broker.
func publishArchived(t *testing.T, b *Broker, a *sliceArchive, e Event) {
	t.Helper()
	a.add(e)
	if err := b.Publish(t.Context(), e); err != nil {
		t.Error(err)
	}
}

func plain() Stream { return Stream{} }

func TestArchiveHasWhatTheBrokerDoesNotRetain(t *testing.T) {
	large := strings.Repeat("x", 3*maxPart)
	overEachProtocolArchived(t, 20, len(large), plain, func(t *testing.T, b *Broker, a *sliceArchive, open func(...string) io.Reader) {
		s := stream{Parser: newParser(open("Last-Event-ID", "3"))}
		for id := int64(4); id <= 20; id++ {
			s.want(t, id, large)
		}
		publishArchived(t, b, a, Event{ID: 21})
		s.want(t, 21, "")
		complete := stream{Parser: newParser(open("Last-Event-ID", "20"))}
		complete.want(t, 21, "")
		text := stream{Parser: newParser(open("Last-Event-ID", "text"))}
		text.want(t, 21, "")
		future := stream{Parser: newParser(open("last=5"))}
		future.want(t, 21, "")
		if calls, open, _ := a.figures(); calls != 1 || open != 0 {
			t.Errorf("the archive was asked %d times, and %d sequences are open", calls, open)
		}
		if got := b.Stats(); got.Resumes != 3 || got.ResumesIncomplete != 1 || len(s.Gaps)+len(complete.Gaps) != 0 || len(text.Gaps) != 1 {
			t.Errorf("%+v", got)
		}
		shutdown(t, b)
	})
}

// What the archive lacks, too, is told before the first event that it has.
func TestArchiveThatLacksSomethingIsAGap(t *testing.T) {
	overEachProtocolArchived(t, 5, 1, plain, func(t *testing.T, b *Broker, a *sliceArchive, open func(...string) io.Reader) {
		a.keeps = 3
		publishArchived(t, b, a, Event{ID: 6})
		s := stream{Parser: newParser(open("Last-Event-ID", "1"))}
		s.want(t, 4, "x")
		if want := (testkit.Gap{LastEventID: "1", First: 4}); len(s.Gaps) != 1 || s.Gaps[0] != want {
			t.Errorf("%+v, want %+v", s.Gaps, want)
		}
		synctest.Wait()
		if got := b.Stats(); got.Resumes != 1 || got.ResumesIncomplete != 1 {
			t.Errorf("%+v", got)
		}
		shutdown(t, b)
	})
}

// Whatever ends a stream ends the reading of the archive at once, also where the archive is slow and where the client
// does not read.
func TestWhateverEndsAStreamEndsItsTurnAtTheArchive(t *testing.T) {
	for _, reads := range []bool{true, false} {
		for name, end := range map[string]func(b *Broker, body io.Reader){
			"leaving":  func(_ *Broker, body io.Reader) { body.(io.Closer).Close() },
			"shutdown": func(b *Broker, _ io.Reader) { b.stop() },
			"Until":    func(*Broker, io.Reader) { time.Sleep(5 * time.Second) },
		} {
			until := func() Stream {
				if name != "Until" {
					return Stream{}
				}
				return Stream{Until: time.Now().Add(5 * time.Second)}
			}
			t.Run(fmt.Sprint(name, ", reads ", reads), func(t *testing.T) {
				overEachProtocolArchived(t, 200, maxPart/2, until, func(t *testing.T, b *Broker, a *sliceArchive, open func(...string) io.Reader) {
					a.pause = func() time.Duration { return time.Second / 2 }
					body := open("Last-Event-ID", "1")
					s := stream{Parser: newParser(body)}
					if reads {
						s.want(t, 2, strings.Repeat("x", maxPart/2))
					}
					synctest.Wait()
					if _, open, _ := a.figures(); open != 1 {
						t.Fatalf("%d sequences are read", open)
					}
					end(b, body)
					ended := time.Now()
					if reads && name != "leaving" {
						s.wantEnd(t)
					} else { // Whoever does not read the last is cut off.
						body.(io.Closer).Close()
					}
					synctest.Wait()
					if waited := time.Since(ended); waited > time.Second {
						t.Errorf("it ends after %v", waited)
					}
					if _, open, _ := a.figures(); open != 0 || b.Stats().Clients != 0 {
						t.Errorf("%d sequences are read at last, %+v", open, b.Stats())
					}
					shutdown(t, b)
				})
			})
		}
	}
}

func TestWhoDoesNotReadWhatTheArchiveHasIsCutOff(t *testing.T) {
	overEachProtocolArchived(t, 200, maxPart, plain, func(t *testing.T, b *Broker, a *sliceArchive, open func(...string) io.Reader) {
		start := time.Now()
		open("Last-Event-ID", "1")
		synctest.Wait()
		for b.Stats().Clients > 0 && time.Since(start) < time.Hour {
			time.Sleep(time.Second)
		}
		if waited := time.Since(start); waited < 30*time.Second || waited > 5*DefaultHeartbeat || b.Stats().SlowClients != 1 {
			t.Errorf("cut off after %v: %+v", waited, b.Stats())
		}
		synctest.Wait()
		if _, open, _ := a.figures(); open != 0 {
			t.Errorf("%d sequences are read after that", open)
		}
		shutdown(t, b)
	})
}

// Who waits for a turn has an open stream with heartbeats.
func TestWhoWaitsForTheArchiveHasHeartbeats(t *testing.T) {
	overEachProtocolArchived(t, 200, maxPart, plain, func(t *testing.T, b *Broker, a *sliceArchive, open func(...string) io.Reader) {
		b.replays.max = 1
		open("Last-Event-ID", "1") // It does not read.
		synctest.Wait()
		body := open("Last-Event-ID", "190")
		s := stream{Parser: newParser(body)}
		s.wantRetry(t)
		s.wantText(t, ":\n")
		for id := int64(191); id <= 200; id++ { // once the other was cut off
			s.want(t, id, strings.Repeat("x", maxPart))
		}
		if _, _, most := a.figures(); most != 1 {
			t.Errorf("%d at once", most)
		}
		body.(io.Closer).Close()
		shutdown(t, b)
	})
}

// Who reads slowly does not keep the others waiting, and gets all.
func TestTurnsAtTheArchiveEnd(t *testing.T) {
	overEachProtocolArchived(t, 100, maxPart, plain, func(t *testing.T, b *Broker, a *sliceArchive, open func(...string) io.Reader) {
		b.replays.max = 1
		slow := stream{Parser: newParser(open("Last-Event-ID", "1"))}
		slowly := make(chan struct{})
		go func() {
			defer close(slowly)
			for id := int64(2); id <= 100; id++ {
				time.Sleep(3 * time.Second)
				if e, err := slow.Next(); err != nil || e.ID != id {
					t.Errorf("got %d, %v, want %d", e.ID, err, id)
					return
				}
			}
		}()
		synctest.Wait()
		start := time.Now()
		s := stream{Parser: newParser(open("Last-Event-ID", "99"))}
		s.want(t, 100, strings.Repeat("x", maxPart))
		if waited := time.Since(start); waited > replayTurn+10*time.Second {
			t.Errorf("it comes after %v", waited)
		}
		<-slowly
		shutdown(t, b)
	})
}
