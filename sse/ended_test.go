package sse

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sse/internal/testkit"
)

// Whoever hears that a stream has ended sees that its client is not registered any more.
func TestEndedIsCalledAfterTheClientIsUnregistered(t *testing.T) {
	b := NewBroker()
	defer shutdown(t, b)
	for range 2000 {
		clients := make(chan int64, 1)
		c := &client{broker: b, index: gone, out: slowTransport{}}
		c.ended = func() { clients <- b.Stats().Clients }
		c.outbox.init()
		if !b.join(c, "") {
			t.Fatal("the broker has stopped")
		}
		c.ConnectionEnded(nil)
		if n := testkit.Receive(t, clients, "Ended is called"); n != 0 {
			t.Fatalf("its client is still registered: %d", n)
		}
	}
}

// endings are the ways in which a stream ends. Each is given the broker and a client's connection.
var endings = map[string]func(t *testing.T, b *Broker, s stream){
	"the client leaves": func(_ *testing.T, _ *Broker, s stream) { s.response.Body.Close() },
	"shutdown":          func(t *testing.T, b *Broker, s stream) { shutdown(t, b) },
	"cut off": func(_ *testing.T, b *Broker, _ stream) {
		for range 400 { // of which the history retains 64, and the connection has room for some
			b.Notifier <- Event{Data: make([]byte, 64<<10)}
		}
	},
	"Shutdown's context ends": func(_ *testing.T, b *Broker, _ stream) {
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		b.Shutdown(ended)
	},
	"its time has come": nil,
}

func TestEndedIsCalledOnceHoweverAStreamEnds(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		for name, end := range endings {
			t.Run(fmt.Sprintf("HTTP/2 %v, %s", http2, name), func(t *testing.T) {
				b := New(Options{History: smallHistory})
				var calls atomic.Int32
				ended := make(chan struct{}, 10)
				server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					s := Stream{Ended: func() { calls.Add(1); ended <- struct{}{} }}
					if end == nil {
						s.Until = time.Now()
					}
					b.Serve(w, r, s)
				}))
				server.EnableHTTP2 = http2
				server.StartTLS()
				defer server.Close()
				defer server.CloseClientConnections()
				s := openWith(t, server.Client(), server.URL)
				if end != nil {
					eventually(t, "registered", func() bool { return b.Stats().Clients == 1 })
					if n := calls.Load(); n != 0 {
						t.Errorf("called %d times while the stream goes on", n)
					}
					end(t, b, s)
				}
				testkit.Receive(t, ended, "Ended is called")
				shutdown(t, b)
				if n := calls.Load(); n != 1 {
					t.Errorf("called %d times", n)
				}
			})
		}
	}
}

// A stopped broker's streams end where they begin.
func TestEndedIsCalledForAStreamOfAStoppedBroker(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		b := NewBroker()
		shutdown(t, b)
		ended := make(chan struct{}, 10)
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b.Serve(w, r, Stream{Ended: func() { ended <- struct{}{} }})
		}))
		server.EnableHTTP2 = http2
		server.StartTLS()
		openWith(t, server.Client(), server.URL).wantEnd(t)
		testkit.Receive(t, ended, "Ended is called")
		server.Close()
	}
}

func TestEndedIsNotCalledForARequestThatGetsNoStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBroker()
		s := Stream{Ended: func() { t.Error("Ended is called") }}
		for _, method := range []string{http.MethodHead, http.MethodPost, http.MethodOptions, http.MethodGet} {
			// The recorder can't be streamed to: GET gets 505.
			b.Serve(httptest.NewRecorder(), httptest.NewRequest(method, "/events", nil), s)
		}
		shutdown(t, b)
	})
}

// Over HTTP/1.0 the body ends with the connection: its end is no chunk, for a stopped broker either.
func TestHTTP10StreamHasNoLastChunk(t *testing.T) {
	for _, stopped := range []bool{false, true} {
		b, server := newServer(t)
		if stopped {
			shutdown(t, b)
		}
		conn := dial(t, server)
		fmt.Fprint(conn, "GET /events HTTP/1.0\r\n\r\n")
		s := readResponse(t, conn)
		if !stopped {
			eventually(t, "registered", func() bool { return b.Stats().Clients == 1 })
			shutdown(t, b)
		}
		body, err := io.ReadAll(s.response.Body)
		var ms int
		var rest string
		if n, _ := fmt.Sscanf(string(body)+"end", "retry: %d\n%s", &ms, &rest); n != 2 || rest != "end" || err != nil {
			t.Errorf("stopped %v: the body is %q, error %v", stopped, body, err)
		}
	}
}
