package sse

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sse/internal/testkit"
)

// newUnhijackableServer serves a broker behind a middleware that hides how to hijack a connection. It
// notes when a handler returns.
func newUnhijackableServer(t *testing.T) (*Broker, *httptest.Server, <-chan struct{}) {
	t.Helper()
	b, app := newApp(t)
	returned := make(chan struct{}, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		app.ServeHTTP(newDeadliner(w), r)
		returned <- struct{}{}
	}))
	t.Cleanup(func() {
		shutdown(t, b)
		server.CloseClientConnections()
		server.Close()
	})
	return b, server, returned
}

// net/http waits for the body of a request before it writes the header.
func TestClientThatKeepsItsRequestsBodyBackHoldsNoHandler(t *testing.T) {
	b, server, returned := newUnhijackableServer(t)
	conn := dial(t, server)
	fmt.Fprint(conn, "GET /events HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\n")
	eventually(t, "registered", func() bool { return b.Stats().Clients == 1 })
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	b.Shutdown(ended)
	testkit.Receive(t, returned, "the handler returns")
}

// A controlled writer can be given deadlines, which a write waits for. A write that is over waits for
// release.
type controlled struct {
	http.ResponseWriter
	deadline chan time.Time // capacity 1: the last write deadline
	written  chan struct{}  // a write is over
	release  chan struct{}
}

func (c controlled) SetWriteDeadline(deadline time.Time) error {
	select {
	case <-c.deadline:
	default:
	}
	c.deadline <- deadline
	return nil
}

func (c controlled) SetReadDeadline(time.Time) error { return nil }

func (c controlled) Flush() {
	select {
	case c.written <- struct{}{}:
		<-c.release
	default:
	}
}

// Whoever is cut off just when the header has been written stays so: the deadline that ends its writes
// must not be taken back.
func TestClientThatIsCutOffWhileItsStreamOpensStaysCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBroker()
		w := controlled{httptest.NewRecorder(), make(chan time.Time, 1), make(chan struct{}), make(chan struct{})}
		returned := make(chan struct{})
		go func() {
			b.Serve(w, httptest.NewRequest(http.MethodGet, "/events", nil), Stream{})
			close(returned)
		}()
		<-w.written
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		b.Shutdown(ended)
		synctest.Wait() // The handler waits for its writer.
		close(w.release)
		<-returned
		if deadline := <-w.deadline; !deadline.Equal(time.Unix(1, 0)) {
			t.Errorf("the last deadline is %v", deadline)
		}
		shutdown(t, b)
	})
}

// A deaf writer takes a deadline, and can't be flushed.
type deaf struct {
	http.ResponseWriter
	control *http.ResponseController
}

func (d deaf) SetWriteDeadline(deadline time.Time) error { return d.control.SetWriteDeadline(deadline) }

func TestWriterThatCannotBeFlushedIsRefused(t *testing.T) {
	b := NewBroker()
	defer shutdown(t, b)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.Serve(deaf{w, http.NewResponseController(w)}, r, Stream{})
	}))
	defer server.Close()
	if s := open(t, server.URL); s.response.StatusCode != http.StatusHTTPVersionNotSupported {
		t.Errorf("its client, which would reconnect for ever, gets %s", s.response.Status)
	}
	if clients := b.Stats().ClientsTotal; clients != 0 {
		t.Errorf("%d clients were registered", clients)
	}
}

// A middleware that limits the time of a request makes its stream end as it should, so that the client
// reconnects and resumes.
func TestEndOfARequestsTimeIsACleanEnd(t *testing.T) {
	for _, timeout := range []time.Duration{0, time.Millisecond, 50 * time.Millisecond} {
		b := NewBroker()
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithTimeout(r.Context(), timeout)
			defer cancel()
			b.Serve(w, r.WithContext(ctx), Stream{})
		}))
		server.EnableHTTP2 = true
		server.StartTLS()
		send(t, b, 1)
		s := openWith(t, server.Client(), server.URL, "Last-Event-ID", "0")
		s.want(t, 1, "1")
		s.wantEnd(t)
		eventually(t, "unregistered", func() bool { return b.Stats().Clients == 0 })
		shutdown(t, b)
		server.Close()
	}
}
