package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"example.com/sse/sse"

	"github.com/kataras/golog"
	"github.com/kataras/iris/v12"
)

// A stage is an Iris app with the page and a broker, as in main.go, whose events are the
// test's own and whose stream can be made to fail.
type stage struct {
	url string

	t      *testing.T
	broker *sse.Broker
	refuse atomic.Bool // answer 503 instead of the stream
	stall  atomic.Bool // answer nothing at all
}

// The broker would log each client that comes and goes.
func init() { golog.SetLevel("error") }

func newStage(t *testing.T) *stage {
	t.Helper()
	page, err := os.ReadFile("../web/index.html")
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, broker: sse.NewBroker()}
	app := iris.New()
	app.Get("/", func(ctx iris.Context) {
		ctx.ContentType("text/html")
		ctx.Write(page)
	})
	app.Any("/events", func(ctx iris.Context) {
		for s.stall.Load() && ctx.Request().Context().Err() == nil {
			time.Sleep(10 * time.Millisecond)
		}
		if s.refuse.Load() {
			ctx.StatusCode(http.StatusServiceUnavailable)
			return
		}
		s.broker.ServeHTTP(ctx)
	})
	app.Get("/elsewhere", func(ctx iris.Context) { ctx.HTML("<link rel=icon href=data:,>Elsewhere") })
	if err := app.Build(); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(app)
	t.Cleanup(server.Close)
	t.Cleanup(func() {
		s.stall.Store(false)
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.broker.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	s.url = server.URL
	return s
}

// send sends events with consecutive ids, one for each payload.
func (s *stage) send(id int64, payloads ...string) {
	for i, data := range payloads {
		s.broker.Notifier <- sse.Event{ID: id + int64(i), Data: []byte(data)}
	}
}

// waitForClients waits until that many clients are registered.
func (s *stage) waitForClients(n int64) {
	s.t.Helper()
	eventually(s.t, pageWithin, func() error {
		if got := s.broker.Stats().Clients; got != n {
			return fmt.Errorf("%d clients are registered, want %d", got, n)
		}
		return nil
	})
}
