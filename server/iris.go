package server

import (
	"context"
	"net"
	"net/http"

	"example.com/sse/sse"

	"github.com/kataras/iris/v12"
)

// ServeIris is [Serve] for an Iris app, in place of the app's Run or Listen: it builds the app, which
// then serves as one of the app's hosts, with what app.ConfigureHost has said. Iris's own first lines and its
// handler for interrupts are switched off, since ctx says when to stop.
func ServeIris(ctx context.Context, listener net.Listener, app *iris.Application, brokers ...*sse.Broker) error {
	return Options{}.ServeIris(ctx, listener, app, brokers...)
}

// ServeIris is the function [ServeIris] with options.
func (o Options) ServeIris(ctx context.Context, listener net.Listener, app *iris.Application, brokers ...*sse.Broker) error {
	app.Configure(iris.WithoutStartupLog, iris.WithoutInterruptHandler)
	if err := app.Build(); err != nil {
		return err
	}
	srv := &http.Server{Addr: listener.Addr().String(), Handler: app}
	Configure(srv)
	app.NewHost(srv)
	return o.serve(ctx, listener, srv, brokers)
}
