// Package main shows how to send continuous event messages to the clients through SSE via a
// broker. Read more at:
// https://html.spec.whatwg.org/multipage/server-sent-events.html
// https://robots.thoughtbot.com/writing-a-server-sent-events-server-in-go
package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"example.com/sse/sse"

	"github.com/kataras/golog"
	"github.com/kataras/iris/v12"
)

// stopWithin is how long the clients have to take their last events once the server is told
// to stop.
const stopWithin = 500 * time.Millisecond

//go:embed web/index.html
var page []byte

// An event is what the ticker sends.
type event struct {
	Timestamp int64  `json:"timestamp"` // Unix seconds
	Message   string `json:"message"`
}

// options are the command line's flags.
type options struct {
	addr     string
	interval time.Duration
}

// parse reads the command line. Its error is flag.ErrHelp after -h, for which it has
// printed the flags.
func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet("sse", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.addr, "addr", ":8080", "listen on this `host:port`")
	flags.DurationVar(&o.interval, "interval", 2*time.Second, "make an event each `duration`, such as 500ms or 2s")
	err = flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Print("Serves a page at / and its event stream at /events.\n\nUsage: sse [flags]\n\n")
		flags.SetOutput(os.Stdout)
		flags.PrintDefaults()
	case err == nil && flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument: %q", flags.Arg(0))
	case err == nil && o.interval <= 0:
		err = fmt.Errorf("-interval must be positive: %v", o.interval)
	}
	return o, err
}

func main() {
	o, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "sse: %v (-h lists the flags)\n", err)
		os.Exit(2)
	}
	broker := sse.NewBroker()
	go tick(broker, o.interval)

	app := newApp(broker)
	app.Logger().SetLevelOutput("error", os.Stderr)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		stop(app, broker)
	}()
	// http://localhost:8080
	// http://localhost:8080/events
	err = app.Run(iris.Addr(o.addr, limits), iris.WithoutServerError(iris.ErrServerClosed), iris.WithoutInterruptHandler)
	if err != nil {
		os.Exit(1) // Iris has logged it.
	}
	<-stopped
}

// tick sends the broker an event each interval until the broker stops.
func tick(broker *sse.Broker, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			evt := event{
				Timestamp: now.Unix(),
				Message:   fmt.Sprintf("Hello at %s", now.Format(time.RFC1123)),
			}
			evtBytes, err := json.Marshal(evt)
			if err != nil {
				golog.Error(err)
				continue
			}
			select {
			case broker.Notifier <- sse.Event{Data: evtBytes}:
			case <-broker.Done():
				return
			}
		case <-broker.Done():
			return
		}
	}
}

// newApp returns the routes.
func newApp(broker *sse.Broker) *iris.Application {
	app := iris.New().Configure(iris.WithFireMethodNotAllowed)
	app.HandleMany("GET HEAD", "/", func(ctx iris.Context) {
		ctx.ContentType("text/html")
		ctx.Write(page)
	})
	app.Any("/events", broker.ServeHTTP)
	return app
}

// limits bounds what a client may cost before its request is read: Iris sets no limit.
func limits(su *iris.Supervisor) {
	su.Server.ReadHeaderTimeout = 5 * time.Second
	su.Server.IdleTimeout = time.Minute
	su.Server.MaxHeaderBytes = 16 << 10
}

// stop waits for SIGINT or SIGTERM and then stops accepting, ends the streams, and returns.
// A second signal ends the process at once.
func stop(app *iris.Application, broker *sse.Broker) {
	signals, restore := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	<-signals.Done()
	restore()
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	go app.Shutdown(ctx) // Closes the listener at once; waits for HTTP/2 streams.
	if err := broker.Shutdown(ctx); err != nil {
		golog.Warn(err)
	}
}

var _ http.Handler = (*iris.Application)(nil)
