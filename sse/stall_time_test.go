package sse

import (
	"net"
	"testing"
	"time"
)

func TestHeartbeatAfterSilence(t *testing.T) {
	inBubble(t, func(t *testing.T, b *Broker, connect func(string) (net.Conn, stream)) {
		conn, s := connect("")
		for range 3 {
			start := time.Now()
			if line, err := s.Line(); line != ":\n" || err != nil {
				t.Errorf("got %q, %v", line, err)
			}
			if waited := time.Since(start); waited != 15*time.Second {
				t.Errorf("a heartbeat after %v of silence", waited)
			}
		}
		conn.Close()
		shutdown(t, b)
	})
}

func TestNoHeartbeatDuringTraffic(t *testing.T) {
	inBubble(t, func(t *testing.T, b *Broker, connect func(string) (net.Conn, stream)) {
		conn, s := connect("")
		for id := range int64(10) {
			time.Sleep(DefaultHeartbeat - time.Millisecond)
			b.Notifier <- Event{ID: id + 1}
			s.want(t, id+1, "")
		}
		if s.Comments != 0 {
			t.Errorf("%d heartbeats", s.Comments)
		}
		conn.Close()
		shutdown(t, b)
	})
}

func TestStalledClientIsCutOffAndResumesWithoutLoss(t *testing.T) {
	inBubble(t, func(t *testing.T, b *Broker, connect func(string) (net.Conn, stream)) {
		_, s := connect("")
		b.Notifier <- Event{ID: 1}
		s.want(t, 1, "")
		// It stops reading: the second event blocks in the pipe, the third is pending.
		start := time.Now()
		for id := int64(2); b.Stats().Clients == 1; id++ {
			b.Notifier <- Event{ID: id}
			time.Sleep(time.Second)
		}
		if waited := time.Since(start); waited < 30*time.Second || waited > 33*time.Second {
			t.Errorf("cut off after %v", waited)
		}
		stats := b.Stats()
		if stats.SlowClients != 1 {
			t.Errorf("%+v", stats)
		}
		conn, s := connect("Last-Event-ID: 1\r\n")
		for id := int64(2); id <= stats.Events; id++ {
			s.want(t, id, "")
		}
		conn.Close()
		shutdown(t, b)
	})
}

func TestStalledClientIsCutOffInSilence(t *testing.T) {
	inBubble(t, func(t *testing.T, b *Broker, connect func(string) (net.Conn, stream)) {
		connect("")
		start := time.Now()
		for b.Stats().Clients == 1 {
			time.Sleep(time.Second)
		}
		// One heartbeat blocks in the pipe, the next is pending.
		if waited := time.Since(start); waited > 2*DefaultHeartbeat+(2*DefaultHeartbeat)+DefaultHeartbeat+time.Second {
			t.Errorf("cut off after %v", waited)
		}
		shutdown(t, b)
	})
}

func TestSlowButReadingClientIsNotCutOff(t *testing.T) {
	inBubble(t, func(t *testing.T, b *Broker, connect func(string) (net.Conn, stream)) {
		conn, s := connect("")
		for id := range int64(100) {
			b.Notifier <- Event{ID: id + 1}
		}
		for id := range int64(100) {
			time.Sleep(time.Second)
			s.want(t, id+1, "")
		}
		conn.Close()
		shutdown(t, b)
	})
}
