package sse

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.com/sse/internal/testkit"

	"github.com/kataras/iris/v12"
)

func TestCompressionDoesNotHoldEventsBack(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		b := NewBroker()
		app := iris.New()
		app.Use(iris.Compression)
		app.Get("/events", b.ServeHTTP)
		app.Build()
		server := httptest.NewUnstartedServer(app)
		server.EnableHTTP2 = http2
		server.StartTLS()
		s := openWith(t, server.Client(), server.URL, "Last-Event-ID", "0", "Accept-Encoding", "gzip")
		if encoding := s.response.Header.Get("Content-Encoding"); encoding != "" {
			t.Errorf("Content-Encoding is %q", encoding)
		}
		b.Notifier <- Event{ID: 1}
		s.want(t, 1, "")
		shutdown(t, b)
		s.wantEnd(t)
		server.Close()
	}
}

func TestRecorderIsRefused(t *testing.T) {
	b := NewBroker()
	defer shutdown(t, b)
	app := iris.New()
	app.Use(func(ctx iris.Context) { ctx.Record(); ctx.Next() })
	app.Get("/events", b.ServeHTTP)
	app.Build()
	server := httptest.NewServer(app)
	defer server.Close()
	s := open(t, server.URL)
	if s.response.StatusCode != http.StatusHTTPVersionNotSupported || s.response.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Error(s.response.Status, s.response.Header)
	}
}

// A noFlusher is a ResponseWriter that can do nothing more than it must.
type noFlusher struct{ http.ResponseWriter }

// A flusher is a ResponseWriter that can't be hijacked, nor given a deadline.
type flusher struct {
	http.ResponseWriter
	http.Flusher
}

// A deadliner is a flusher that can be given a deadline.
type deadliner struct {
	flusher
	control *http.ResponseController
}

func (d deadliner) SetReadDeadline(deadline time.Time) error {
	return d.control.SetReadDeadline(deadline)
}

func (d deadliner) SetWriteDeadline(deadline time.Time) error {
	return d.control.SetWriteDeadline(deadline)
}

func newDeadliner(w http.ResponseWriter) deadliner {
	return deadliner{flusher{w, w.(http.Flusher)}, http.NewResponseController(w)}
}

func TestWriterThatCannotBeGivenADeadlineIsRefused(t *testing.T) {
	b, app := newApp(t)
	defer shutdown(t, b)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		app.ServeHTTP(flusher{w, w.(http.Flusher)}, r)
	}))
	defer server.Close()
	if s := open(t, server.URL); s.response.StatusCode != http.StatusHTTPVersionNotSupported {
		t.Errorf("its client, which could not be cut off, gets %s", s.response.Status)
	}
	if clients := b.Stats().ClientsTotal; clients != 0 {
		t.Errorf("%d clients were registered", clients)
	}
}

func TestConnectionThatCannotBeHijacked(t *testing.T) {
	b, app := newApp(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		app.ServeHTTP(newDeadliner(w), r)
	}))
	defer server.Close()
	s := open(t, server.URL, "Last-Event-ID", "0")
	b.Notifier <- Event{ID: 1}
	s.want(t, 1, "")
	shutdown(t, b)
	s.wantEnd(t)
}

// A panicker is a Flusher that panics where none is left.
type panicker struct {
	http.Flusher
	left int
}

func (p *panicker) Flush() {
	if p.left--; p.left < 0 {
		panic(http.ErrAbortHandler)
	}
	p.Flusher.Flush()
}

func TestPanicOfAMiddlewaresWriterEndsItsStreamAlone(t *testing.T) {
	for flushes := range 2 { // The head's, and an event's.
		b, app := newApp(t)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			d := newDeadliner(w)
			d.Flusher = &panicker{d.Flusher, flushes}
			app.ServeHTTP(d, r)
		}))
		response, err := testkit.Client.Get(server.URL + "/events")
		if began := err == nil; began != (flushes > 0) {
			t.Errorf("after %d flushes: %v", flushes, err)
		} else if began {
			b.Notifier <- Event{ID: 1}
			if _, err := io.Copy(io.Discard, response.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("the stream ends with %v", err)
			}
			response.Body.Close()
		}
		eventually(t, "unregistered", func() bool { return b.Stats().Clients == 0 })
		if clients := b.Stats().ClientsTotal; clients != 1 {
			t.Errorf("%d clients were registered", clients)
		}
		shutdown(t, b)
		server.Close()
	}
}

func TestHalfClosedConnectionThatCannotBeHijackedIsGone(t *testing.T) {
	b, app := newApp(t)
	returned := make(chan struct{})
	server := newTinyServerOf(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		app.ServeHTTP(newDeadliner(w), r)
		close(returned)
	}))
	defer server.Close()
	conn := dialStalled(t, server)
	eventually(t, "registered", func() bool { return b.Stats().Clients == 1 })
	b.Notifier <- Event{Data: make([]byte, 1<<20)} // More than the sockets have room for.
	if _, err := io.ReadFull(conn, make([]byte, 4<<10)); err != nil {
		t.Fatal(err)
	}
	conn.(*net.TCPConn).CloseWrite()
	testkit.Receive(t, returned, "the handler returns")
	shutdown(t, b)
}

func TestStreamingUnsupported(t *testing.T) {
	b, app := newApp(t)
	defer shutdown(t, b)
	recorder := httptest.NewRecorder()
	app.ServeHTTP(noFlusher{recorder}, httptest.NewRequest(http.MethodGet, "/events", nil))
	if recorder.Code != http.StatusHTTPVersionNotSupported || !strings.HasPrefix(recorder.Body.String(), "Streaming unsupported! A sse.noFlusher can ") {
		t.Errorf("%d %q", recorder.Code, recorder.Body)
	}
}

func TestHTTP2(t *testing.T) {
	b, server := newHTTP2Server(t)
	defer server.Close()
	client := server.Client()
	send(t, b, 10, 20)
	s := openWith(t, client, server.URL, "Last-Event-ID", "10")
	if s.response.ProtoMajor != 2 || s.response.Header.Get("Content-Type") != "text/event-stream; charset=utf-8" {
		t.Errorf("%s, %v", s.response.Proto, s.response.Header)
	}
	s.want(t, 20, "20")
	second := openWith(t, client, server.URL, "Last-Event-ID", "20")
	second.response.Body.Close()
	eventually(t, "the second unregistered", func() bool {
		stats := b.Stats()
		return stats.Clients == 1 && stats.ClientsTotal == 2
	})
	b.Notifier <- Event{ID: 30, Data: make([]byte, 1<<20)}
	b.Notifier <- Event{ID: 40}
	s.want(t, 30, string(make([]byte, 1<<20)))
	s.want(t, 40, "")
	shutdown(t, b)
	s.wantEnd(t)
}

func TestHTTP2ClientThatNeverReadsIsCutOff(t *testing.T) {
	b, server := newHTTP2Server(t)
	defer server.Close()
	defer server.CloseClientConnections() // Close waits for a client that is not cut off.
	openWith(t, server.Client(), server.URL)
	eventually(t, "registered", func() bool { return b.Stats().Clients == 1 })
	// The history passes it by, and what its window and its socket can hold.
	for range 1000 {
		b.Notifier <- Event{Data: make([]byte, 64<<10)}
	}
	eventually(t, "cut off", func() bool { return b.Stats().SlowClients == 1 && b.Stats().Clients == 0 })
	shutdown(t, b)
}
