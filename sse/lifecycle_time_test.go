package sse

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestHeldClientsGetHeartbeats(t *testing.T) {
	inBubble(t, func(t *testing.T, b *Broker, connect func(string) (net.Conn, stream)) {
		b.Hold()
		start := time.Now()
		conn, s := connect("Last-Event-ID: 3\r\n")
		// Events that it does not get must not put its heartbeat off.
		for id := range int64(2) {
			b.Notifier <- Event{ID: id + 1}
			time.Sleep(DefaultHeartbeat / 2)
		}
		if line, err := s.Line(); line != ":\n" || err != nil {
			t.Errorf("got %q, %v", line, err)
		}
		if waited := time.Since(start); waited != DefaultHeartbeat {
			t.Errorf("the heartbeat came after %v", waited)
		}
		b.Notifier <- Event{ID: 3}
		b.Notifier <- Event{ID: 4}
		b.Release()
		s.want(t, 4, "")
		conn.Close()
		shutdown(t, b)
	})
}

func TestReleaseComesTooLateForAStreamThatEnds(t *testing.T) {
	inBubble(t, func(t *testing.T, b *Broker, connect func(string) (net.Conn, stream)) {
		b.Hold()
		conn, _ := connect("Last-Event-ID: 1\r\n")
		b.Notifier <- Event{ID: 1}
		b.Notifier <- Event{ID: 2}
		time.Sleep(DefaultHeartbeat) // The heartbeat blocks in the pipe: nobody reads.
		ended := make(chan error)
		go func() { ended <- b.Shutdown(t.Context()) }()
		synctest.Wait()
		for range 20 { // listen may hear of some, or of none.
			b.Release()
		}
		conn.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		b.Release() // Nobody is there to hear of it.
	})
}

func TestShutdownReturnsWhenAllIsLogged(t *testing.T) {
	inBubble(t, func(t *testing.T, b *Broker, connect func(string) (net.Conn, stream)) {
		w := blockedWriter{make(chan struct{}, 1), make(chan struct{})}
		logTo(w)
		defer logTo(io.Discard)
		conn, _ := connect("")
		<-w.blocked
		conn.Close()
		ended := make(chan error, 1)
		go func() { ended <- b.Shutdown(t.Context()) }()
		synctest.Wait()
		select {
		case <-ended:
			t.Error("it has not waited")
		default:
			close(w.release)
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	})
}

func TestShutdownGivesUpWithItsContext(t *testing.T) {
	inBubble(t, func(t *testing.T, b *Broker, connect func(string) (net.Conn, stream)) {
		connect("")
		b.Notifier <- Event{ID: 1} // Blocks in the pipe: nobody reads.
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		if err := b.Shutdown(ctx); err == nil || time.Since(start) != time.Minute {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		synctest.Wait()
		if clients := b.Stats().Clients; clients != 0 {
			t.Errorf("%d clients left", clients)
		}
	})
}

func TestShutdownCutsOffAHeadThatNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, l := newPipeServer(t)
		request(l, "")
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.Shutdown(ctx); err == nil || !strings.Contains(err.Error(), " 1 ") {
			t.Errorf("Shutdown says %v", err)
		}
		synctest.Wait()
		if clients := b.Stats().Clients; clients != 0 {
			t.Errorf("%d clients are left", clients)
		}
	})
}
