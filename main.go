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
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"example.com/sse/cluster"
	"example.com/sse/internal/server"
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
	addr      string
	interval  time.Duration
	cert, key string
	nats      cluster.Options
}

// parse reads the command line. Its error is flag.ErrHelp after -h, for which it has
// printed the flags.
func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet("sse", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.addr, "addr", ":8080", "listen on this `host:port`")
	flags.DurationVar(&o.interval, "interval", 2*time.Second, "make an event each `duration`, such as 500ms or 2s")
	flags.StringVar(&o.cert, "cert", "", "serve HTTPS and HTTP/2 with the certificate in this PEM `file`")
	flags.StringVar(&o.key, "key", "", "the certificate's private key, a PEM `file`")
	flags.StringVar(&o.nats.URLs, "nats", "", "share the events of all servers on the NATS at these `URLs`, separated by commas")
	flags.StringVar(&o.nats.Creds, "nats-creds", "", "the credentials for NATS, a `file`")
	flags.IntVar(&o.nats.Replicas, "nats-replicas", 1, "the `number` of NATS servers to hold the events, if their stream has to be made")
	err = flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Print("Serves a page at / and its event stream at /events.\n\nUsage: sse [flags]\n\n")
		flags.SetOutput(os.Stdout)
		flags.PrintDefaults()
	case err != nil:
	case flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument: %q", flags.Arg(0))
	case o.interval <= 0:
		err = fmt.Errorf("-interval must be positive: %v", o.interval)
	case (o.cert == "") != (o.key == ""):
		err = errors.New("-cert and -key go together")
	case o.nats.URLs == "" && (o.nats.Creds != "" || o.nats.Replicas != 1):
		err = errors.New("-nats-creds and -nats-replicas go with -nats")
	case o.nats.Replicas < 1:
		err = fmt.Errorf("-nats-replicas must be positive: %d", o.nats.Replicas)
	}
	return o, err
}

func main() {
	signals, restore := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	o, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "sse: %v (-h lists the flags)\n", err)
		os.Exit(2)
	}
	serve := iris.Addr(o.addr, server.Limits)
	if o.cert != "" {
		certificate, err := server.Certificate(o.cert, o.key)
		if err != nil {
			fmt.Fprintf(os.Stderr, "sse: certificate: %v\n", err)
			os.Exit(1)
		}
		serve = iris.TLS(o.addr, "", "", iris.TLSNoRedirect, server.Limits, certificate)
	}

	// Only connecting leaves garbage, streams do not: half the usual heap costs next to nothing.
	debug.SetGCPercent(50)

	broker := sse.NewBroker()
	// Where the events come from: this server's own ticker, or the stream of all servers.
	var member *cluster.Member
	if o.nats.URLs == "" {
		go tick(broker, o.interval)
	} else if member, err = cluster.Join(broker, o.interval, hello, o.nats); err != nil {
		fmt.Fprintf(os.Stderr, "sse: -nats: %v\n", err)
		os.Exit(2)
	}

	app := newApp(broker, member)
	app.Logger().SetLevelOutput("error", os.Stderr)
	failed := make(chan error, 1)
	go func() {
		// http://localhost:8080
		// http://localhost:8080/events
		failed <- app.Run(serve, iris.WithoutServerError(iris.ErrServerClosed), iris.WithoutInterruptHandler)
	}()
	select {
	case <-failed:
		os.Exit(1) // Iris has logged the error.
	case <-signals.Done():
		restore() // A second signal ends the process at once.
		stop(app, broker)
	}
}

// maxBehind is how far tick may be behind and still catch up; then it was suspended.
const maxBehind = time.Second

// tick sends the broker an event each interval until the broker stops. A time.Ticker would
// drop events at intervals that the scheduler can't keep.
func tick(broker *sse.Broker, interval time.Duration) {
	timer := time.NewTimer(interval)
	defer timer.Stop()
	for next := time.Now().Add(interval); ; next = next.Add(interval) {
		if wait := time.Until(next); wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-broker.Done():
				return
			}
		} else if wait < -maxBehind {
			next = time.Now()
		}
		select {
		case broker.Notifier <- sse.Event{Data: hello(next)}:
		case <-broker.Done():
			return
		}
	}
}

// hello returns the payload of the event at a moment.
func hello(now time.Time) []byte {
	evt := event{
		Timestamp: now.Unix(),
		Message:   fmt.Sprintf("Hello at %s", now.Format(time.RFC1123)),
	}
	evtBytes, err := json.Marshal(evt)
	if err != nil {
		golog.Error(err)
	}
	return evtBytes
}

// newApp returns the routes. A server alone has a nil member.
func newApp(broker *sse.Broker, member *cluster.Member) *iris.Application {
	app := iris.New().Configure(iris.WithFireMethodNotAllowed)
	app.HandleMany("GET HEAD", "/", func(ctx iris.Context) {
		ctx.ContentType("text/html")
		ctx.Write(page)
	})
	app.Any("/events", broker.ServeHTTP)
	app.HandleMany("GET HEAD", "/healthz", func(ctx iris.Context) {
		select {
		case <-broker.Done():
			ctx.StopWithText(iris.StatusServiceUnavailable, "stopping")
		default:
			if member != nil && !member.Ready() {
				ctx.StopWithText(iris.StatusServiceUnavailable, "waiting for NATS")
				return
			}
			ctx.WriteString("ok")
		}
	})
	app.HandleMany("GET HEAD", "/stats", func(ctx iris.Context) {
		if member == nil {
			ctx.JSON(broker.Stats())
			return
		}
		ctx.JSON(struct {
			sse.Stats
			NATS cluster.Stats `json:"nats"`
		}{broker.Stats(), member.Stats()})
	})
	return app
}

// stop stops accepting, ends the streams, and returns when they have ended or their time
// is up.
func stop(app *iris.Application, broker *sse.Broker) {
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	closed := make(chan error, 1)
	go func() { closed <- app.Shutdown(ctx) }() // Closes the listener at once, then waits for HTTP/2.
	if err := broker.Shutdown(ctx); err != nil {
		golog.Warn(err)
	}
	<-closed
}
