package sse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"example.com/sse/internal/testkit"

	"github.com/kataras/golog"
	"github.com/kataras/iris/v12"
)

// logOutput is where golog writes: io.Discard but for the tests of the log.
var logOutput atomic.Value

func TestMain(m *testing.M) {
	logTo(io.Discard)
	golog.SetOutput(logWriter{})
	os.Exit(testkit.Main(m, map[string]time.Duration{
		"TestArchiveModel":                     4 * time.Minute, // a thousand lives
		"TestArchiveModelFindsMistakes":        4 * time.Minute, // It builds the package.
		"TestTopicsModel":                      4 * time.Minute, // a thousand lives
		"TestTopicsModelFindsMistakes":         4 * time.Minute, // It builds the package.
		"TestTopicsOfAMillionEventsAreBounded": 4 * time.Minute,
	}))
}

// A logWriter writes to logOutput; golog's own SetOutput is not for use while it logs.
type logWriter struct{}

func (logWriter) Write(line []byte) (int, error) { return logOutput.Load().(output).Write(line) }

type output struct{ io.Writer }

func logTo(w io.Writer) { logOutput.Store(output{w}) }

// smallHistory is the size of a history that a test can fill soon.
const smallHistory = 4 << 20

// newApp returns an Iris app with a broker of its own mounted at /events.
func newApp(t *testing.T) (*Broker, *iris.Application) {
	t.Helper()
	b := New(Options{History: smallHistory})
	b.watcher.WithoutEpoll = withoutEpoll
	app := iris.New()
	app.Any("/events", b.ServeHTTP)
	if err := app.Build(); err != nil {
		t.Fatal(err)
	}
	return b, app
}

// newServer serves a broker on a socket until the test ends.
func newServer(t *testing.T) (*Broker, *httptest.Server) {
	t.Helper()
	b, app := newApp(t)
	server := httptest.NewServer(app)
	t.Cleanup(func() {
		shutdown(t, b)
		server.Close()
	})
	return b, server
}

// newTinyServer serves a broker on sockets with tiny send buffers, so that a client that
// does not read is felt soon. The test ends both.
func newTinyServer(t *testing.T) (*Broker, *httptest.Server) {
	t.Helper()
	b, app := newApp(t)
	return b, newTinyServerOf(app)
}

// newTinyServerOf is newTinyServer for any handler.
func newTinyServerOf(handler http.Handler) *httptest.Server {
	server := httptest.NewUnstartedServer(handler)
	server.Config.ConnState = func(conn net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conn.(*net.TCPConn).SetWriteBuffer(1)
		}
	}
	server.Start()
	return server
}

// newHTTP2Server serves a broker over HTTP/2. The test ends both.
func newHTTP2Server(t *testing.T) (*Broker, *httptest.Server) {
	t.Helper()
	b, app := newApp(t)
	server := httptest.NewUnstartedServer(app)
	server.EnableHTTP2 = true
	server.StartTLS()
	return b, server
}

// shutdown stops a broker whose clients all read, or are gone.
func shutdown(t *testing.T, b *Broker) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Limit)
	defer cancel()
	if err := b.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}

// send sends events with the given IDs, each with its number as payload, and waits until
// the broker has taken them.
func send(t *testing.T, b *Broker, ids ...int64) {
	t.Helper()
	events := b.Stats().Events + int64(len(ids))
	for _, id := range ids {
		b.Notifier <- Event{ID: id, Data: fmt.Append(nil, id)}
	}
	eventually(t, "all events taken", func() bool { return b.Stats().Events == events })
}

// eventually waits until a condition holds, for testkit.Limit at most.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	testkit.Eventually(t, func() error {
		if !holds() {
			return errors.New("not so: " + what)
		}
		return nil
	})
}

// settled checks that no more goroutines and file descriptors are left than there were.
func settled(t *testing.T) func() {
	goroutines, files := runtime.NumGoroutine(), openFiles()
	return func() {
		t.Helper()
		eventually(t, fmt.Sprintf("back to %d goroutines", goroutines), func() bool {
			return runtime.NumGoroutine() <= goroutines
		})
		eventually(t, fmt.Sprintf("back to %d open files", files), func() bool {
			return openFiles() <= files
		})
	}
}

// startWatcher has the broker watch its first client, which leaves again: the watcher's
// goroutine and its descriptor stay until the broker stops.
func startWatcher(t *testing.T, b *Broker, server *httptest.Server) {
	t.Helper()
	dialStalled(t, server).Close()
	eventually(t, "the first client has come and gone", func() bool {
		return b.Stats().ClientsTotal == 1 && b.Stats().Clients == 0
	})
}

// openFiles returns how many file descriptors are open, or 0 where that can't be seen.
func openFiles() int {
	files, _ := os.ReadDir("/proc/self/fd")
	return len(files)
}
