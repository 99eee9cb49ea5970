package server

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"example.com/sse/sse"

	"github.com/kataras/golog"
)

// stopTimeout is how long Serve takes to stop at most: for the clients' last events, and for the
// requests that are being answered.
const stopTimeout = 500 * time.Millisecond

// drainDelay bounds how long a server that is to drain goes on as before. In 5 s a load balancer that looks each second
// or two sees that it is to send no more clients.
const drainDelay = 5 * time.Second

// Options are what an app can set of how it is served. The zero value is what [Serve] and [ServeIris] use.
type Options struct {
	// Drain is the time over which the streams end when the server is to stop, one after another, so that the servers
	// to which the clients reconnect get them at an even rate. Zero means that all streams end at once. When the
	// context of Serve ends, three things follow:
	//
	//   - The server goes on as before for 5 s, or for Drain where that is less, so that a load balancer sees that
	//     the app's health check fails: the check has to ask whether the context has ended.
	//   - Each broker drains ([sse.Broker.Drain]), while connections are accepted and requests answered as before.
	//   - Serve stops.
	Drain time.Duration
}

// Serve serves HTTP on a listener, best one of [Listen]'s, until ctx ends, and returns nil once all has
// stopped. Where it can't serve, it returns why. It takes care of the brokers whose streams srv serves:
//
//   - What a client may cost is bounded, as [Configure] says.
//   - When ctx ends, no more connections are accepted, the brokers are shut down, requests are answered, and what
//     has not ended after half a second is cut off.
//   - Connecting leaves garbage, some 10 KiB a client. When clients have come Serve collects that, and gives its memory
//     back to the system: a client then takes 1.8 KiB instead of 7. A collection takes a few milliseconds of CPU for a
//     thousand clients. To have the runtime collect less often by itself while thousands of clients
//     come at once, Serve allocates 32 MiB for a [Listener] without TLS, and never uses them: that shows in the heap's
//     figures, but takes no memory.
//
// srv and the brokers are of no use afterwards.
func Serve(ctx context.Context, listener net.Listener, srv *http.Server, brokers ...*sse.Broker) error {
	return Options{}.Serve(ctx, listener, srv, brokers...)
}

// Serve is [Serve] with options.
func (o Options) Serve(ctx context.Context, listener net.Listener, srv *http.Server, brokers ...*sse.Broker) error {
	Configure(srv)
	return o.serve(ctx, listener, srv, brokers)
}

// serve is Serve for a server that is configured.
func (o Options) serve(ctx context.Context, listener net.Listener, srv *http.Server, brokers []*sse.Broker) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go collectGarbage(ctx.Done(), ballastFor(listener), func() (came int64) {
		for _, broker := range brokers {
			came += broker.Stats().ClientsTotal
		}
		return came
	})
	var serveErr error // read after served is closed
	served := make(chan struct{})
	go func() {
		defer close(served)
		serveErr = srv.Serve(listener)
	}()
	select {
	case <-served:
	case <-ctx.Done():
		o.drain(served, brokers)
	}
	stop(srv, brokers)
	<-served
	if errors.Is(serveErr, http.ErrServerClosed) { // stop has stopped srv, or the app has.
		return nil
	}
	return serveErr
}

// drain ends the streams one after another, while the server serves. It returns when they have ended, or serving has.
func (o Options) drain(served <-chan struct{}, brokers []*sse.Broker) {
	if o.Drain <= 0 {
		return
	}
	golog.Infof("Stopping: the streams end over %v. A second signal ends all at once", o.Drain)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var draining sync.WaitGroup
	for _, broker := range brokers {
		draining.Go(func() {
			select {
			case <-time.After(min(drainDelay, o.Drain)):
				broker.Drain(ctx, o.Drain)
			case <-ctx.Done():
			}
		})
	}
	drained := make(chan struct{})
	go func() {
		draining.Wait()
		close(drained)
	}()
	select {
	case <-served:
	case <-drained:
	}
}

// stop stops accepting, ends the streams, and returns when they have ended or their time is up.
func stop(srv *http.Server, brokers []*sse.Broker) {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	var ending sync.WaitGroup
	ending.Go(func() { srv.Shutdown(ctx) }) // It closes the listener at once, then waits for handlers, such as HTTP/2's.
	for _, broker := range brokers {
		ending.Go(func() {
			if err := broker.Shutdown(ctx); err != nil {
				golog.Warn(err)
			}
		})
	}
	ending.Wait()
	srv.Close()
}
