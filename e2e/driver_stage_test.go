package e2e

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
	"example.com/sse/sse"
	"example.com/sse/web"

	"github.com/kataras/golog"
	"github.com/kataras/iris/v12"
)

// A stage is an Iris app with the page and a broker, as in main.go, whose events are the
// test's own and whose stream can be made to fail.
type stage struct {
	url string

	t        *testing.T
	server   *httptest.Server
	broker   *sse.Broker
	refuse   atomic.Bool // answer 503 instead of the stream
	refusals atomic.Int64
	stall    atomic.Bool // answer nothing at all

	mu      sync.Mutex
	streams []net.Conn // mu protects it
}

// The broker would log each client that comes and goes.
func init() { golog.SetLevel("error") }

func newStage(t *testing.T) *stage {
	t.Helper()
	return newStageOf(t, sse.NewBroker())
}

// newStageOf is newStage with a broker of the test's own.
func newStageOf(t *testing.T, broker *sse.Broker) *stage {
	t.Helper()
	s := &stage{t: t, broker: broker}
	app := iris.New()
	web.Register(app)
	app.Any("/events", func(ctx iris.Context) {
		for s.stall.Load() && ctx.Request().Context().Err() == nil {
			time.Sleep(10 * time.Millisecond)
		}
		if s.refuse.Load() {
			s.refusals.Add(1)
			ctx.StatusCode(http.StatusServiceUnavailable)
			return
		}
		s.broker.ServeHTTP(ctx)
	})
	app.Get("/complaint", func(ctx iris.Context) {
		ctx.HTML("<link rel=icon href=data:,><script>console.error('a complaint')</script>")
	})
	app.Get("/elsewhere", func(ctx iris.Context) { ctx.HTML("<link rel=icon href=data:,>Elsewhere") })
	if err := app.Build(); err != nil {
		t.Fatal(err)
	}
	s.server = httptest.NewUnstartedServer(app)
	s.server.Config.ConnState = func(conn net.Conn, state http.ConnState) {
		if state == http.StateHijacked {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.streams = append(s.streams, conn)
		}
	}
	s.server.Start()
	t.Cleanup(s.server.Close)
	t.Cleanup(func() {
		s.stall.Store(false)
		shutdown(t, s.broker)
	})
	s.url = s.server.URL
	return s
}

// shutdown ends a broker's streams, and waits until they have ended.
func shutdown(t *testing.T, broker *sse.Broker) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Limit) // The test may have ended.
	defer cancel()
	if err := broker.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}

// show has a page of a browser's be the stage's, at a path or "", and waits until its stream is registered.
func (s *stage) show(p *page, path string) {
	s.t.Helper()
	p.visit(s.url + path)
	s.waitForClients(1)
}

// cutStreams ends the connections of all clients, as a network can.
func (s *stage) cutStreams() {
	s.t.Helper()
	s.mu.Lock()
	for _, conn := range s.streams {
		conn.(*net.TCPConn).CloseRead()
		conn.(*net.TCPConn).CloseWrite()
	}
	s.streams = nil
	s.mu.Unlock()
	s.waitForClients(0)
}

// send sends events with consecutive ids, one for each payload.
func (s *stage) send(id int64, payloads ...string) {
	for i, data := range payloads {
		s.broker.Notifier <- sse.Event{ID: id + int64(i), Data: []byte(data)}
	}
}

// sendNamed sends an event with a name, or without one for "".
func (s *stage) sendNamed(id int64, name, data string) {
	s.broker.Notifier <- sse.Event{ID: id, Name: name, Data: []byte(data)}
}

// waitForClients waits until that many clients are registered.
func (s *stage) waitForClients(n int64) {
	s.t.Helper()
	waitForClients(s.t, s.broker, n)
}

// waitForClients waits until a broker has that many clients.
func waitForClients(t *testing.T, broker *sse.Broker, n int64) {
	t.Helper()
	testkit.Eventually(t, func() error {
		if got := broker.Stats().Clients; got != n {
			return fmt.Errorf("%d clients are registered, want %d", got, n)
		}
		return nil
	})
}

// waitForClientsTotal waits until that many clients have been registered, and one is.
func (s *stage) waitForClientsTotal(n int64) {
	s.t.Helper()
	testkit.Eventually(s.t, func() error {
		if got := s.broker.Stats(); got.ClientsTotal != n || got.Clients != 1 {
			return fmt.Errorf("%d clients are registered and %d were, want 1 and %d", got.Clients, got.ClientsTotal, n)
		}
		return nil
	})
}
