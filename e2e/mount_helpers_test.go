package e2e

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
	"example.com/sse/sse"
)

// A framework is what apps mount the broker in. Its middleware comes in the order in which apps use it.
type framework struct {
	name       string
	middleware []middleware
	app        func(a *mountedApp, use []middleware) http.Handler
}

// A middleware is one of a framework's own, or of the package that its users take.
type middleware struct {
	name   string
	use    func(a *mountedApp) any // the framework's own; nil where around is not
	around func(a *mountedApp, next http.Handler) http.Handler
	lacks  string // the writer that makes streaming impossible, as an answer of 505 names it; else ""
	http2  bool   // only over HTTP/2
	writes bool   // it writes to a connection that was taken from it, which net/http logs
}

// inner returns the framework's own middleware.
func inner[M any](a *mountedApp, use []middleware) (all []M) {
	for _, m := range use {
		if m.use != nil {
			all = append(all, m.use(a).(M))
		}
	}
	return all
}

// lacking returns the writer that makes streaming impossible over a protocol, or "".
func lacking(use []middleware, major int) string {
	for _, m := range use {
		if m.lacks != "" && (major == 2 || !m.http2) {
			return m.lacks
		}
	}
	return ""
}

// A mountedApp is an app that has a broker at /events, and at /decided with a handler that decides what a
// request gets. What is posted to /events is published.
type mountedApp struct {
	broker    *sse.Broker
	publisher sse.Publisher
	requests  lockedBuffer // what the framework's request log says
	errors    lockedBuffer // what net/http's server and the framework complain of
	ended     atomic.Int64 // the streams of /decided that have ended

	url    string
	client *http.Client
}

// decided is what a request of /decided gets.
func (a *mountedApp) decided() sse.Stream { return sse.Stream{Ended: func() { a.ended.Add(1) }} }

func (a *mountedApp) decide(w http.ResponseWriter, r *http.Request) {
	a.broker.Serve(w, r, a.decided())
}

// A protocol is how an app is served.
type protocol struct {
	name  string
	major int
	start func(*httptest.Server)
}

var protocols = []protocol{
	{"HTTP", 1, (*httptest.Server).Start},
	{"HTTPS", 1, (*httptest.Server).StartTLS},
	{"HTTPS2", 2, func(s *httptest.Server) { s.EnableHTTP2 = true; s.StartTLS() }},
	{"H2C", 2, func(s *httptest.Server) {
		s.Config.Protocols = new(http.Protocols)
		s.Config.Protocols.SetUnencryptedHTTP2(true)
		s.Start()
		s.Client().Transport.(*http.Transport).Protocols = s.Config.Protocols
	}},
}

// mount serves an app of a framework that uses some middleware.
func mount(t *testing.T, f framework, p protocol, use []middleware) *mountedApp {
	t.Helper()
	// No heartbeat is to push out what a middleware keeps, or to find out that a client has left.
	a := &mountedApp{broker: sse.New(sse.Options{Heartbeat: time.Hour})}
	a.publisher = sse.Publisher{Publish: a.broker.Publish, Token: secret}
	app := f.app(a, use)
	for _, m := range slices.Backward(use) {
		if m.around != nil {
			app = m.around(a, app)
		}
	}
	server := httptest.NewUnstartedServer(app)
	server.Config.ErrorLog = log.New(&a.errors, "", 0)
	p.start(server)
	t.Cleanup(server.Close)
	t.Cleanup(func() { shutdown(t, a.broker) })
	a.url, a.client = server.URL, testkit.StreamClient(server.Client().Transport.(*http.Transport))
	return a
}

// publish publishes an event as other programs do.
func (a *mountedApp) publish(t *testing.T, data string) {
	t.Helper()
	if answer := (post{data: data}).by(a.client, a.url+"/events"); answer.status != http.StatusNoContent {
		t.Fatalf("POST /events: %v", answer)
	}
}

func (a *mountedApp) waitForClients(t *testing.T, n int64) {
	t.Helper()
	waitForClients(t, a.broker, n)
}

func (a *mountedApp) waitForEnded(t *testing.T, n int64) {
	t.Helper()
	testkit.Eventually(t, func() error {
		if got := a.ended.Load(); got != n {
			return fmt.Errorf("Ended was called %d times, want %d", got, n)
		}
		return nil
	})
}
