package sse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sse/internal/testkit"
)

// An archive that fails ends the streams that read from it, cleanly, and their clients resume. It is logged once a minute,
// and no client sees why.
func TestArchiveThatFailsEndsTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log lockedLog
		a := new(sliceArchive)
		b := newArchivedBroker(Options{History: 1, Log: SlogLogger(slog.New(slog.NewTextHandler(&log, nil)))}, a)
		b.SetArchive(func(ctx context.Context, topics []string, after int64) (bool, iter.Seq2[Event, error]) {
			complete, events := a.after(ctx, topics, after)
			return complete, func(yield func(Event, error) bool) {
				n := 0
				for e := range events {
					if n++; n > 2 {
						yield(Event{}, errors.New("the disk at /secret is gone"))
						return
					}
					if !yield(e, nil) {
						return
					}
				}
			}
		})
		for id := range int64(9) {
			publishArchived(t, b, a, Event{ID: id + 1})
		}
		l := newPipeServerOf(t, b.Handler())
		for id := int64(1); id < 7; id += 2 {
			conn := request(l, fmt.Sprintf("Last-Event-ID: %d\r\n", id))
			s := readResponse(t, conn)
			s.want(t, id+1, "")
			s.want(t, id+2, "")
			if rest, err := io.ReadAll(s.response.Body); err != nil || strings.Contains(string(rest), "secret") {
				t.Errorf("the stream ends with %q, %v", rest, err)
			}
			conn.Close()
		}
		synctest.Wait()
		if n := strings.Count(log.String(), "The archive failed"); n != 1 || !strings.Contains(log.String(), "/secret") {
			t.Errorf("it was logged %d times: %s", n, log.String())
		}
		time.Sleep(archiveLogPause)
		conn := request(l, "Last-Event-ID: 1\r\n")
		readResponse(t, conn).wantEnd(t)
		synctest.Wait()
		if n := strings.Count(log.String(), "The archive failed"); n != 2 {
			t.Errorf("it was logged %d times: %s", n, log.String())
		}
		conn.Close()
		shutdown(t, b)
	})
}

// A source stores an event before it publishes it, so the archive may be ahead of the broker: the client waits for the
// event, and gets neither that one twice nor a gap.
func TestArchiveMayBeAheadOfTheBroker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(sliceArchive)
		b := newArchivedBroker(Options{History: 1, Log: quiet}, a)
		for id := range int64(5) {
			publishArchived(t, b, a, Event{ID: id + 1})
		}
		a.add(Event{ID: 6})
		l := newPipeServerOf(t, b.Handler())
		conn := request(l, "Last-Event-ID: 1\r\n")
		s := readResponse(t, conn)
		for id := int64(2); id <= 6; id++ {
			s.want(t, id, "")
		}
		synctest.Wait()
		if err := b.Publish(t.Context(), Event{ID: 6}); err != nil {
			t.Error(err)
		}
		publishArchived(t, b, a, Event{ID: 7})
		s.want(t, 7, "")
		if len(s.Gaps) > 0 || b.Stats().ResumesIncomplete > 0 {
			t.Errorf("gaps %+v", s.Gaps)
		}
		conn.Close()
		shutdown(t, b)
	})
}

// The archive is taken away while a client waits for its turn: the client gets what the broker retains.
func TestArchiveThatIsTakenAwayKeepsNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(Options{History: 1, Log: quiet})
		b.replays.max = 1
		b.Hold()
		b.SetArchive(func(ctx context.Context, _ []string, _ int64) (bool, iter.Seq2[Event, error]) {
			<-ctx.Done()
			return false, func(func(Event, error) bool) {}
		})
		b.Release()
		for id := range int64(20) {
			if err := b.Publish(t.Context(), Event{ID: id + 1}); err != nil {
				t.Fatal(err)
			}
		}
		l := newPipeServerOf(t, b.Handler())
		first := request(l, "Last-Event-ID: 1\r\n")
		synctest.Wait()
		second := request(l, "Last-Event-ID: 2\r\n")
		s := readResponse(t, second)
		synctest.Wait()
		b.SetArchive(nil)
		first.Close()
		s.want(t, 20, "")
		if len(s.Gaps) != 1 {
			t.Errorf("gaps %+v", s.Gaps)
		}
		second.Close()
		shutdown(t, b)
	})
}

// A lockedLog is what was logged.
type lockedLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Two hundred clients resume through the archive over sockets at once, while others get events: each gets all, in order,
// once, and never are there more readers than may be.
func TestManyClientsResumeThroughTheArchive(t *testing.T) {
	check := settled(t)
	a := new(sliceArchive)
	b := newArchivedBroker(Options{History: 200_000, Log: quiet}, a) // the last 180 events
	server := newTinyServerOf(b.Handler())
	const before, after, clients = 500, 100, 200
	data := strings.Repeat("x", 1000)
	for id := range int64(before) {
		publishArchived(t, b, a, Event{ID: id + 1, Data: []byte(data)})
	}
	steady := open(t, server.URL)
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Limit)
	defer cancel()
	var reading sync.WaitGroup
	for i := range int64(clients) {
		reading.Go(func() {
			s, err := connect(ctx, testkit.StreamClient(&http.Transport{DisableKeepAlives: true}), server.URL, "Last-Event-ID", fmt.Sprint(1+i%200))
			if err != nil {
				t.Error(err)
				return
			}
			defer s.response.Body.Close()
			for id := 2 + i%200; id <= before+after; id++ {
				if e, err := s.Next(); err != nil || e.ID != id || e.Data != data || len(s.Gaps) > 0 {
					t.Errorf("got %d, %v, gaps %v, want %d", e.ID, err, s.Gaps, id)
					return
				}
			}
		})
	}
	for id := int64(before); id < before+after; id++ {
		publishArchived(t, b, a, Event{ID: id + 1, Data: []byte(data)})
		steady.want(t, id+1, data)
	}
	reading.Wait()
	if calls, open, most := a.figures(); calls == 0 || open != 0 || most > maxReplays {
		t.Errorf("the archive was asked %d times, %d sequences are open, %d were at once", calls, open, most)
	}
	if got := b.Stats(); got.ResumesIncomplete != 0 || got.SlowClients != 0 {
		t.Errorf("%+v", got)
	}
	steady.response.Body.Close()
	shutdown(t, b)
	server.Close()
	check()
}
