package sse

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A pipeListener makes connections without sockets, which a synctest bubble can follow.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// newPipeServer serves a broker on a pipeListener until the test ends.
func newPipeServer(t *testing.T) (*Broker, *pipeListener) {
	b, app := newApp(t)
	l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: app}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	return b, l
}

// request connects and asks for the stream.
func request(l *pipeListener, header string) net.Conn {
	ours, theirs := net.Pipe()
	l.conns <- theirs
	fmt.Fprintf(ours, "GET /events HTTP/1.1\r\nHost: test\r\n%s\r\n", header)
	return ours
}

// inBubble runs a test in a bubble where time passes when nobody can go on, with a broker
// and a function that connects to it.
func inBubble(t *testing.T, test func(t *testing.T, b *Broker, connect func(header string) (net.Conn, stream))) {
	synctest.Test(t, func(t *testing.T) {
		b, l := newPipeServer(t)
		test(t, b, func(header string) (net.Conn, stream) {
			conn := request(l, header)
			s := readResponse(t, conn)
			line, err := s.Line()
			if err != nil {
				t.Fatal(line, err)
			}
			synctest.Wait()
			return conn, s
		})
	})
}

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
			time.Sleep(heartbeatInterval - time.Millisecond)
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
		if waited := time.Since(start); waited > 2*heartbeatInterval+stallTimeout+heartbeatInterval+time.Second {
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

func TestHeldClientsGetHeartbeats(t *testing.T) {
	inBubble(t, func(t *testing.T, b *Broker, connect func(string) (net.Conn, stream)) {
		b.Hold()
		conn, s := connect("Last-Event-ID: 3\r\n")
		// Events that it does not get must not put its heartbeat off.
		for id := range int64(2) {
			b.Notifier <- Event{ID: id + 1}
			time.Sleep(heartbeatInterval / 2)
		}
		if line, err := s.Line(); line != ":\n" || err != nil {
			t.Errorf("got %q, %v", line, err)
		}
		b.Notifier <- Event{ID: 3}
		b.Notifier <- Event{ID: 4}
		b.Release()
		s.want(t, 4, "")
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

func TestReleaseComesTooLateForAStreamThatEnds(t *testing.T) {
	inBubble(t, func(t *testing.T, b *Broker, connect func(string) (net.Conn, stream)) {
		b.Hold()
		conn, _ := connect("Last-Event-ID: 1\r\n")
		b.Notifier <- Event{ID: 1}
		b.Notifier <- Event{ID: 2}
		time.Sleep(heartbeatInterval) // The heartbeat blocks in the pipe: nobody reads.
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
