package sse

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A slowReader reads 40 KiB/s, a bit at a time.
type slowReader struct{ io.Reader }

func (r slowReader) Read(b []byte) (int, error) {
	time.Sleep(100 * time.Millisecond)
	return r.Reader.Read(b[:min(len(b), 4<<10)])
}

// overEachProtocol runs a test in a bubble for each way to a client, whose stream is read with newReader.
func overEachProtocol(t *testing.T, test func(t *testing.T, b *Broker, open func(header ...string) (body io.Reader))) {
	overEachProtocolTo(t, func(t *testing.T) (*Broker, http.Handler) { return newApp(t) }, test)
}

// overEachProtocolTo is overEachProtocol for a broker and a handler that serve returns.
func overEachProtocolTo(t *testing.T, serve func(t *testing.T) (*Broker, http.Handler), test func(t *testing.T, b *Broker, open func(header ...string) (body io.Reader))) {
	certificate := newTLSCertificate(t)
	for _, protocol := range []string{"HTTP/1.1", "TLS", "HTTP/2"} {
		t.Run(protocol, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, handler := serve(t)
				l := newPipeServerOf(t, handler)
				client := newPipeClient(t, l)
				if protocol != "HTTP/2" {
					client.Transport = &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) {
						ours, theirs := net.Pipe()
						if protocol == "TLS" {
							theirs = tls.Server(theirs, &tls.Config{Certificates: []tls.Certificate{certificate}})
							ours = tls.Client(ours, &tls.Config{InsecureSkipVerify: true})
						}
						l.conns <- theirs
						return ours, nil
					}}
				}
				test(t, b, func(header ...string) io.Reader {
					s, err := connect(t.Context(), client, "http://test", header...)
					if err != nil {
						t.Fatal(err)
					}
					return s.response.Body
				})
			})
		})
	}
}

// publishEachSecond publishes events, numbered from the given ID, until the broker stops. What it
// returns waits for that.
func publishEachSecond(t *testing.T, b *Broker, id int64) (wait func()) {
	var publisher sync.WaitGroup
	publisher.Go(func() {
		for ; ; id++ {
			time.Sleep(time.Second)
			if b.Publish(t.Context(), Event{ID: id}) != nil {
				return
			}
		}
	})
	return publisher.Wait
}

func TestWhoReadsSlowlyGetsEverything(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, b *Broker, open func(...string) io.Reader) {
		data := strings.Repeat("x", 2<<20)
		if err := b.Publish(t.Context(), Event{ID: 1, Data: []byte(data)}); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		s := stream{Parser: newParser(slowReader{open("Last-Event-ID", "0")})}
		wait := publishEachSecond(t, b, 2)
		s.want(t, 1, data)
		if took := time.Since(start); took < 2*DefaultHeartbeat {
			t.Errorf("the client took %v: it is not slow", took)
		}
		for id := int64(2); id < 100; id++ {
			s.want(t, id, "")
		}
		if slow := b.Stats().SlowClients; slow != 0 {
			t.Errorf("%d clients were cut off", slow)
		}
		b.Shutdown(t.Context())
		wait()
	})
}

func TestWhoStopsReadingAmidALargeEventIsCutOff(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, b *Broker, open func(...string) io.Reader) {
		if err := b.Publish(t.Context(), Event{ID: 1, Data: make([]byte, 2<<20)}); err != nil {
			t.Fatal(err)
		}
		body := slowReader{open("Last-Event-ID", "0")}
		wait := publishEachSecond(t, b, 2)
		if _, err := io.ReadFull(body, make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
		stopped := time.Now()
		for b.Stats().Clients > 0 {
			time.Sleep(time.Second)
		}
		if waited := time.Since(stopped); waited < 2*DefaultHeartbeat-2*time.Second || waited > 2*DefaultHeartbeat+3*time.Second {
			t.Errorf("cut off after %v", waited)
		}
		if stats := b.Stats(); stats.SlowClients != 1 {
			t.Errorf("%+v", stats)
		}
		b.Shutdown(t.Context())
		wait()
	})
}

// Whatever a source does again and again, such as Hold while NATS is away: who does not read is cut off.
func TestWhoDoesNotReadIsCutOffWhileClientsAreHeldAgainAndAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, b *Broker, connect func(string) (net.Conn, stream)) {
		b.Hold()
		connect("Last-Event-ID: 3\r\n")
		start := time.Now()
		for b.Stats().Clients > 0 && time.Since(start) < time.Hour {
			b.Hold()
			time.Sleep(250 * time.Millisecond)
		}
		if waited := time.Since(start); waited > 5*DefaultHeartbeat {
			t.Errorf("cut off after %v", waited)
		}
		shutdown(t, b)
	})
}
