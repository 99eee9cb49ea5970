package sse

import (
	"bufio"
	"context"
	"net"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A drained is how the stream of a client ended.
type drained struct {
	after  time.Duration // since the drain began
	lastID int64         // of the last event that came
	holes  int           // how many events did not come before that
}

// connectReaders connects clients that read all, and returns how their streams ended. The IDs of the events that they
// get rise by one.
func connectReaders(b *Broker, n int, began *time.Time) <-chan drained {
	ends := make(chan drained, n)
	for range n {
		ours, theirs := net.Pipe()
		c := newClient(b, theirs)
		go b.serveSocket(c.socket, c, []string{""}, retryLine())
		go func() {
			defer ours.Close()
			var end drained
			for lines := bufio.NewScanner(ours); lines.Scan(); {
				if id, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
					id, _ := strconv.ParseInt(id, 10, 64)
					end.holes += int(id - end.lastID - 1)
					end.lastID = id
				}
			}
			end.after = time.Since(*began)
			ends <- end
		}()
	}
	synctest.Wait()
	return ends
}

func TestDrainEndsStreamsAtAnEvenRateAndNoneLosesAnEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const clients, seconds = 2000, 40
		b := NewBroker()
		var began time.Time
		ends := connectReaders(b, clients, &began)
		publishing := make(chan struct{})
		go func() { // an event each two seconds, also in the middle of the drain
			defer close(publishing)
			for id := int64(1); b.Publish(t.Context(), Event{ID: id}) == nil; id++ {
				time.Sleep(2 * time.Second)
			}
		}()
		time.Sleep(time.Second)
		began = time.Now()
		if err := b.Drain(t.Context(), seconds*time.Second); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != seconds*time.Second {
			t.Errorf("it took %v", took)
		}
		synctest.Wait()
		if left := b.Stats().Clients; left != 0 || len(ends) != clients {
			t.Errorf("%d clients are left, %d streams have ended", left, len(ends))
		}
		var inSecond [seconds]int
		for range len(ends) {
			end := <-ends
			inSecond[min(int(end.after/time.Second), seconds-1)]++
			// The first event came a second before the drain, and those until the stream's end must have come.
			if want := 1 + int64((end.after+time.Second-1)/(2*time.Second)); end.lastID < want || end.holes > 0 {
				t.Errorf("a stream ended after %v with event %d, want at least %d; %d events are missing", end.after, end.lastID, want, end.holes)
			}
		}
		for second, n := range inSecond {
			if want := clients / seconds; n < want-1 || n > want+1 {
				t.Errorf("in second %d %d streams end, want %d", second, n, want)
			}
		}
		shutdown(t, b)
		<-publishing
	})
}

func TestDrainGoesOnWithWhoIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBroker()
		began := time.Now()
		ends := connectReaders(b, 4, &began)
		ours, theirs := net.Pipe()
		c := newClient(b, theirs)
		go b.serveSocket(c.socket, c, []string{""}, nil)
		synctest.Wait()
		ours.Close() // before its time has come
		if err := b.Drain(t.Context(), time.Minute); err != nil {
			t.Error(err)
		}
		for n := range time.Duration(4) {
			if end := <-ends; end.after != (n+1)*15*time.Second && end.after != (n+1)*12*time.Second {
				t.Errorf("stream %d ended after %v", n, end.after)
			}
		}
		shutdown(t, b)
	})
}

func TestDrainOfNobodyIsOverAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBroker()
		began := time.Now()
		for range 2 {
			if err := b.Drain(t.Context(), time.Hour); err != nil || time.Since(began) != 0 {
				t.Errorf("%v after %v", err, time.Since(began))
			}
		}
		shutdown(t, b)
		if err := b.Drain(t.Context(), time.Hour); err != nil {
			t.Error(err)
		}
	})
}

func TestShutdownAndContextEndADrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBroker()
		began := time.Now()
		ends := connectReaders(b, 2, &began)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := b.Drain(ctx, time.Hour); err != context.DeadlineExceeded || time.Since(began) != time.Minute {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		again := make(chan error, 1)
		go func() { again <- b.Drain(t.Context(), time.Second) }() // waits for the first
		time.Sleep(time.Minute)
		if n := len(ends); n != 0 {
			t.Errorf("%d streams have ended", n)
		}
		shutdown(t, b)
		if err := <-again; err != nil {
			t.Error(err)
		}
		for range 2 {
			if end := <-ends; end.after != 2*time.Minute {
				t.Errorf("a stream ended after %v", end.after)
			}
		}
	})
}
