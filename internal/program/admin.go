package program

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"example.com/sse/server"

	"github.com/kataras/golog"
	"github.com/kataras/iris/v12"
)

// ServeFigures serves figures where the options say: with the routes of the public app or, with -admin-addr, at an
// address of their own.
func (o *Options) ServeFigures(serving context.Context, app *iris.Application, f Figures) error {
	if o.AdminAddr == "" {
		f.Register(app)
		return nil
	}
	if err := f.serveAt(serving, o.AdminAddr); err != nil {
		return fmt.Errorf("%s: %w", o.GivenAs("admin-addr"), err)
	}
	return nil
}

// serveAt serves the figures and /healthz at an address of their own. There /healthz answers as at the public
// address: 503 once the context serving has ended, when the server is to stop. The address speaks plain HTTP, with the
// limits of the public server, for a network that is not public. serveAt returns once the address listens, or why it
// can't. The figures are served until the process ends, so that they can be read until the last stream has ended.
func (f Figures) serveAt(serving context.Context, addr string) error {
	listener, err := server.Listen(addr, nil)
	if err != nil {
		return err
	}
	app := NewApp()
	app.HandleMany("GET HEAD", "/healthz", Health(serving, f.Broker, f.Source))
	f.Register(app)
	if err := app.Build(); err != nil {
		return err
	}
	srv := &http.Server{Handler: app}
	server.Configure(srv)
	go func() {
		if err := srv.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			golog.Errorf("the figures are not served any more: %v", err)
		}
	}()
	return nil
}
