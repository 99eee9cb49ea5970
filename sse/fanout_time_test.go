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
		b.writers.running.Add(1) // As if another client were being written to.
		for id := range int64(3) {
			b.Notifier <- Event{ID: id + 1}
			synctest.Wait()
		}
		b.writers.running.Add(-1)
		b.writers.roundEnded <- struct{}{}
		buf := make([]byte, 100)
		n, err := conn.Read(buf) // Of a pipe: one write.
		if want := "id: 1\ndata: \n\nid: 2\ndata: \n\nid: 3\ndata: \n\n"; string(buf[:n]) != want || err != nil {
			t.Errorf("written at once: %q, %v, want %q", buf[:n], err, want)
		}
		conn.Close()
		shutdown(t, b)
	})
}

func TestWritingToOneWhoHasJustComeIsNoRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &Broker{logLines: make(chan logLines, 1), writers: newWriters()} // Nobody listens.
		conn, peer := net.Pipe()
		defer peer.Close()
		c := &client{broker: b, outbox: newOutbox(), head: []byte("head")}
		c.socket.init(conn)
		b.register(c)
		buf := make([]byte, 100)
		if n, err := peer.Read(buf); string(buf[:n]) != "head" || err != nil {
			t.Errorf("%q, %v", buf[:n], err)
		}
		synctest.Wait()
		select {
		case <-b.writers.roundEnded:
			t.Error("a round has ended")
		default:
		}
	})
}

func TestWhatComesDuringWritingIsNotEvictedUnsent(t *testing.T) {
	inBubble(t, func(t *testing.T, b *Broker, connect func(string) (net.Conn, stream)) {
		conn, s := connect("")
		b.writers.running.Add(1) // As if another client were being written to.
		large := bytes.Repeat([]byte("x"), maxHistory/3)
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
		b.writers.running.Add(-1)
		conn.Close()
		shutdown(t, b)
	})
}

// What came before the restart is evicted as all the rest, but not for a client that was to get
// it: a fan-out that waits for writers must not lose it.
func TestRestartOfTheNumberingDuringWritingLosesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, b *Broker, connect func(string) (net.Conn, stream)) {
		conn, s := connect("")
		b.writers.running.Add(1) // As if another client were being written to.
		for _, id := range []int64{100, 200, 5, 6} {
			b.Notifier <- Event{ID: id}
		}
		synctest.Wait()
		b.writers.running.Add(-1)
		b.writers.roundEnded <- struct{}{}
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
