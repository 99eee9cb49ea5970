package sse

import (
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// checkBeat checks the time between two heartbeats of 20 s. A pipe whose other client has not read yet keeps
// the writer of both a while from the next.
func checkBeat(t *testing.T, waited time.Duration) {
	t.Helper()
	const interval, later = 20 * time.Second, 20*time.Second/stepsPerInterval + 2*lookInterval
	if waited < interval-later || waited > interval+later {
		t.Errorf("a heartbeat comes after %v", waited)
	}
}

func TestHeartbeatsAreShownToWhoWantsToSeeThem(t *testing.T) {
	overEachProtocolServing(t, Options{Heartbeat: 20 * time.Second}, func() Stream { return Stream{} }, func(t *testing.T, b *Broker, open func(...string) io.Reader) {
		const heartbeat = "event: heartbeat\ndata: 20000\n\n"
		start := time.Now()
		shown, hidden := open("heartbeat=show"), open("heartbeat=hide")
		s, other := stream{Parser: newParser(shown)}, stream{Parser: newParser(hidden)}
		s.wantRetry(t)
		s.wantText(t, heartbeat)
		other.wantRetry(t)
		if waited := time.Since(start); waited != 0 {
			t.Errorf("the first comes after %v", waited)
		}
		var beaten time.Time
		for range 2 {
			silent := time.Now()
			s.wantText(t, heartbeat)
			beaten = time.Now()
			other.wantText(t, ":\n")
			checkBeat(t, time.Since(silent))
		}
		time.Sleep(10 * time.Second)
		b.Notifier <- Event{ID: 1}
		for _, each := range []stream{s, other} {
			each.wantText(t, "id: 1\ndata: \n\n")
		}
		silent := time.Now()
		s.wantText(t, heartbeat) // An event puts off what nobody sees alone.
		checkBeat(t, time.Since(beaten))
		other.wantText(t, ":\n")
		checkBeat(t, time.Since(silent))
		go io.Copy(io.Discard, shown)
		go io.Copy(io.Discard, hidden)
		shutdown(t, b)
	})
}

// tmaxmax/go-sse 0.12 takes a stream whose last line is a comment for broken.
func TestStreamDoesNotEndWithAComment(t *testing.T) {
	for name, test := range map[string]struct {
		read bool // The comment is read before the stream ends; otherwise it is pending or on its way.
		want []string
	}{
		"read":    {true, []string{"retry: "}},
		"pending": {false, []string{"retry: "}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *Broker, connect func(string) (net.Conn, stream)) {
				_, s := connect("")
				time.Sleep(DefaultHeartbeat * 3 / 2)
				if test.read {
					s.wantText(t, ":\n")
				} else {
					time.Sleep(DefaultHeartbeat) // The first blocks in the pipe, the second is pending.
				}
				ended := make(chan error)
				go func() { ended <- b.Shutdown(t.Context()) }()
				synctest.Wait()
				rest, err := io.ReadAll(s.response.Body)
				text := strings.TrimLeft(string(rest), ":\n")
				if !strings.HasPrefix(text, "retry: ") || strings.Count(text, "\n") != 1 || err != nil {
					t.Errorf("the stream ends with %q, %v", rest, err)
				}
				if err := <-ended; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestStreamThatEndsWithAnEventOrAShownHeartbeatEndsWithThat(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, b *Broker, open func(...string) io.Reader) {
		shown, hidden := open("heartbeat=show"), open()
		time.Sleep(DefaultHeartbeat * 3 / 2)
		b.Notifier <- Event{ID: 1}
		synctest.Wait()
		ended := make(chan error)
		go func() { ended <- b.Shutdown(t.Context()) }()
		for _, body := range []io.Reader{shown, hidden} {
			if text, err := io.ReadAll(body); !strings.HasSuffix(string(text), "id: 1\ndata: \n\n") || err != nil {
				t.Errorf("the stream ends with %q, %v", text, err)
			}
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
