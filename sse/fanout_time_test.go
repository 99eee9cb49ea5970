package sse

import (
	"bytes"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhatComesDuringWritingGoesOutTogether(t *testing.T) {
	inBubble(t, func(t *testing.T, b *Broker, connect func(string) (net.Conn, stream)) {
		conn, _ := connect("")
		b.writers.lanes[few].running.n.Add(fewWriters) // As if another client were being written to.
		for id := range int64(3) {
			b.Notifier <- Event{ID: id + 1}
			synctest.Wait()
		}
		b.writers.lanes[few].running.n.Add(-fewWriters)
		b.writers.lanes[few].ended <- struct{}{}
		buf := make([]byte, 100)
		n, err := conn.Read(buf) // Of a pipe: one write.
		if want := "2a\r\nid: 1\ndata: \n\nid: 2\ndata: \n\nid: 3\ndata: \n\n\r\n"; string(buf[:n]) != want || err != nil {
			t.Errorf("written at once: %q, %v, want %q", buf[:n], err, want)
		}
		conn.Close()
		shutdown(t, b)
	})
}

// An event for few clients does not wait for those who write to others, unless these are many.
func TestEventForFewClientsWaitsOnlyForManyWriters(t *testing.T) {
	for writers, want := range map[int32]time.Duration{fewWriters - 1: 0, fewWriters: maxRound} {
		inBubble(t, func(t *testing.T, b *Broker, connect func(string) (net.Conn, stream)) {
			conn, s := connect("")
			b.writers.lanes[few].running.n.Add(writers) // As if other clients were being written to.
			published := time.Now()
			b.Notifier <- Event{ID: 1}
			s.want(t, 1, "")
			if delay := time.Since(published); delay != want {
				t.Errorf("beside %d writers the event comes after %v, want %v", writers, delay, want)
			}
			conn.Close()
			shutdown(t, b)
		})
	}
}

// A round whose writers do not end, for whatever reason, delays the others for maxRound, once.
func TestRoundThatDoesNotEndIsAbandoned(t *testing.T) {
	inBubble(t, func(t *testing.T, b *Broker, connect func(string) (net.Conn, stream)) {
		conn, s := connect("")
		b.writers.lanes[few].running.n.Add(fewWriters) // As if another client's writer were stuck.
		for id, want := range []time.Duration{maxRound, 0, 0} {
			published := time.Now()
			b.Notifier <- Event{ID: int64(id) + 1}
			s.want(t, int64(id)+1, "")
			if delay := time.Since(published); delay != want {
				t.Errorf("event %d comes after %v, want %v", id+1, delay, want)
			}
		}
		conn.Close()
		shutdown(t, b)
	})
}

func TestWhatComesDuringWritingIsNotEvictedUnsent(t *testing.T) {
	inBubble(t, func(t *testing.T, b *Broker, connect func(string) (net.Conn, stream)) {
		conn, s := connect("")
		b.writers.lanes[few].running.n.Add(fewWriters) // As if another client were being written to.
		large := bytes.Repeat([]byte("x"), smallHistory/3)
		start := time.Now()
		for id := int64(1); id <= 6; id += 2 {
			b.Notifier <- Event{ID: id, Data: large}
			b.Notifier <- Event{ID: id + 1, Data: large}
			s.want(t, id, string(large))
			s.want(t, id+1, string(large))
		}
		if waited := time.Since(start); waited > 0 {
			t.Errorf("it waited %v", waited)
		}
		b.writers.lanes[few].running.n.Add(-fewWriters)
		conn.Close()
		shutdown(t, b)
	})
}

// What came before the restart is evicted as all the rest, but not for a client that was to get
// it: a fan-out that waits for writers must not lose it.
func TestRestartOfTheNumberingDuringWritingLosesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, b *Broker, connect func(string) (net.Conn, stream)) {
		conn, s := connect("")
		b.writers.lanes[few].running.n.Add(fewWriters) // As if another client were being written to.
		for _, id := range []int64{100, 200, 5, 6} {
			b.Notifier <- Event{ID: id}
		}
		synctest.Wait()
		b.writers.lanes[few].running.n.Add(-fewWriters)
		b.writers.lanes[few].ended <- struct{}{}
		for _, id := range []int64{100, 200, 5, 6} {
			s.want(t, id, "")
		}
		if stats := b.Stats(); stats.SlowClients != 0 {
			t.Errorf("%+v", stats)
		}
		conn.Close()
		shutdown(t, b)
	})
}

func TestClientAheadOfASharedSourceWaitsForItsEvent(t *testing.T) {
	inBubble(t, func(t *testing.T, b *Broker, connect func(string) (net.Conn, stream)) {
		b.Hold()
		b.Notifier <- Event{ID: 10}
		b.Release()
		conn, s := connect("Last-Event-ID: 12\r\n")
		time.Sleep(maxAhead - time.Second)
		for id := int64(11); id <= 13; id++ {
			b.Notifier <- Event{ID: id}
			synctest.Wait()
		}
		s.want(t, 13, "")
		if missed := b.Stats().ResumesIncomplete; missed != 0 {
			t.Errorf("%d resumes count as incomplete", missed)
		}
		conn.Close()
		shutdown(t, b)
	})
}

func TestClientAheadOfASharedSourceWaitsNoLongerThanTenSeconds(t *testing.T) {
	inBubble(t, func(t *testing.T, b *Broker, connect func(string) (net.Conn, stream)) {
		b.Hold()
		b.Notifier <- Event{ID: 10}
		b.Release()
		start := time.Now()
		first, s := connect("Last-Event-ID: 1000\r\n")
		time.Sleep(time.Second)
		second, later := connect("Last-Event-ID: 1000\r\n")
		s.want(t, 10, "")
		if waited := time.Since(start); waited != maxAhead {
			t.Errorf("the first waited %v", waited)
		}
		later.want(t, 10, "")
		if waited := time.Since(start); waited != maxAhead+time.Second {
			t.Errorf("the second waited %v", waited-time.Second)
		}
		first.Close()
		second.Close()
		shutdown(t, b)
	})
}

func TestClientAheadOfABrokerAloneGetsAllAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, b *Broker, connect func(string) (net.Conn, stream)) {
		b.Notifier <- Event{ID: 10}
		conn, s := connect("Last-Event-ID: 1000\r\n")
		start := time.Now()
		s.want(t, 10, "")
		if waited := time.Since(start); waited != 0 {
			t.Errorf("it waited %v", waited)
		}
		conn.Close()
		shutdown(t, b)
	})
}
