package program

import (
	"context"
	"errors"
	"net/http"

	"example.com/sse/server"

	"github.com/kataras/golog"
	"github.com/kataras/iris/v12"
)

// ServeAdmin serves the figures and /healthz at an address of their own. There /healthz answers as at the public
// address: 503 once the context has ended, when the server is to stop. The address speaks plain HTTP, with the limits
// of the public server, for a network that is not public. ServeAdmin returns when it listens, or why it can't, and
// goes on until the process ends, so that the figures can be read until the last stream has ended.
func (f Figures) ServeAdmin(serving context.Context, addr string) error {
	listener, err := server.Listen(addr, nil)
	if err != nil {
		return err
	}
	app := iris.New().Configure(iris.WithFireMethodNotAllowed, iris.WithoutPathCorrectionRedirection)
	Answers(app)
	app.HandleMany("GET HEAD", "/healthz", Health(serving, f.Broker, f.Member, f.Store))
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
