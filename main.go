// Package main shows how to send continuous event messages to the clients through SSE via a
// broker. Read more at:
// https://html.spec.whatwg.org/multipage/server-sent-events.html
// https://robots.thoughtbot.com/writing-a-server-sent-events-server-in-go
package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"example.com/sse/cluster"
	"example.com/sse/internal/program"
	"example.com/sse/server"
	"example.com/sse/sse"
	"example.com/sse/web"

	"github.com/kataras/golog"
	"github.com/kataras/iris/v12"
)

// An event is what the ticker sends.
type event struct {
	Timestamp int64  `json:"timestamp"` // Unix seconds
	Message   string `json:"message"`
}

// options are the command line's flags.
type options struct {
	addr                 string
	interval             time.Duration
	cert, key, tokenFile string
	origins              []string
	broker               sse.Options
	nats                 cluster.Options
}

// parseFlags reads the command line. Its error is flag.ErrHelp after -h, for which it has
// printed the flags.
func parseFlags(args []string) (o options, err error) {
	flags := flag.NewFlagSet("sse", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.addr, "addr", ":8080", "listen on this `host:port`")
	flags.DurationVar(&o.interval, "interval", 2*time.Second, "publish an event each `duration`, such as 500ms or 2s")
	flags.StringVar(&o.cert, "cert", "", "serve HTTPS and HTTP/2 with the certificate in this PEM `file`")
	flags.StringVar(&o.key, "key", "", "the certificate's private key, a PEM `file`")
	flags.StringVar(&o.tokenFile, "publish-token-file", "", "let POST /events publish with the token in this `file`'s first line")
	flags.Func("allow-origin", "let the pages of these `origins` publish, too, such as https://example.com, separated by commas", func(list string) error {
		origins, err := program.Origins(list)
		o.origins = append(o.origins, origins...)
		return err
	})
	flags.IntVar(&o.broker.History, "history", sse.DefaultHistory, "retain the last events of all topics in memory, at most this `number` of bytes")
	flags.DurationVar(&o.broker.Heartbeat, "heartbeat", sse.DefaultHeartbeat, "send a heartbeat after this `duration` of silence")
	flags.StringVar(&o.nats.URLs, "nats", "", "share the events of all servers on the NATS at these `URLs`, separated by commas")
	flags.StringVar(&o.nats.Creds, "nats-creds", "", "the credentials for NATS, a `file`")
	flags.IntVar(&o.nats.Replicas, "nats-replicas", 1, "the `number` of NATS servers to hold the events, if their stream has to be created")
	err = flags.Parse(args)
	empty := "" // a flag that a script has given an unset variable, say
	flags.Visit(func(f *flag.Flag) {
		if f.Value.String() == "" && f.Name != "allow-origin" { // which has no text
			empty = f.Name
		}
	})
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Print("Serves a page at / and its event stream at /events.\n\nUsage: sse [flags]\n\n")
		flags.SetOutput(os.Stdout)
		flags.PrintDefaults()
	case err != nil:
	case flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument: %q", flags.Arg(0))
	case empty != "":
		err = fmt.Errorf("-%s is empty", empty)
	case o.interval <= 0:
		err = fmt.Errorf("-interval must be positive: %v", o.interval)
	case o.broker.History <= 0:
		err = fmt.Errorf("-history must be positive: %d", o.broker.History)
	case o.broker.Heartbeat < sse.MinHeartbeat:
		err = fmt.Errorf("-heartbeat must be at least %v: %v", sse.MinHeartbeat, o.broker.Heartbeat)
	case (o.cert == "") != (o.key == ""):
		err = errors.New("-cert and -key go together")
	case len(o.origins) > 0 && o.tokenFile == "":
		err = errors.New("-allow-origin goes with -publish-token-file")
	case o.nats.URLs == "" && (o.nats.Creds != "" || o.nats.Replicas != 1):
		err = errors.New("-nats-creds and -nats-replicas go with -nats")
	case o.nats.Replicas < 1:
		err = fmt.Errorf("-nats-replicas must be positive: %d", o.nats.Replicas)
	}
	return o, err
}

func main() {
	o, err := parseFlags(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fail(2, "%v (-h lists the flags)", err)
	}
	token, warning, err := program.Token(o.tokenFile)
	if err != nil {
		fail(1, "-publish-token-file: %v", err)
	}
	if warning != "" {
		fmt.Fprintf(os.Stderr, "sse: -publish-token-file: %s\n", warning)
	}
	var certificate *tls.Config
	if o.cert != "" {
		if certificate, err = server.Certificate(o.cert, o.key); err != nil {
			fail(1, "certificate: %v", err)
		}
	}

	log := program.LogTo(os.Stdout, golog.Default.Printer.IsTerminal)
	signalled := server.UntilSignal()
	broker := sse.New(o.broker)
	// Where the events come from and go: this server alone, or the stream of all servers.
	publish := broker.Publish
	var member *cluster.Member
	if o.nats.URLs == "" {
		go tick(publish, broker.Done(), o.interval, time.Now)
	} else {
		if member, err = cluster.Join(broker, o.nats); err != nil {
			fail(2, "-nats: %v", err)
		}
		publish = member.Publish
		go member.Tick(signalled, o.interval, hello)
	}
	listener, err := server.Listen(o.addr, certificate)
	if err != nil {
		fail(1, "%v", err)
	}

	app := newApp(broker, member)
	if token != "" {
		// OPTIONS says who may publish, in place of the broker's, which says who may read.
		app.HandleMany("POST OPTIONS", "/events", sse.PublishHandler(sse.Publisher{Publish: publish, Token: token, Origins: o.origins}))
	}
	log.Println("Now listening on: " + listener.URL() + "\nPress Ctrl-C to stop.")
	err = server.ServeIris(signalled, listener, app, broker)
	log.Flush()
	if err != nil {
		fail(1, "%v", err)
	}
}

// fail says in one line why the server does not start.
func fail(code int, format string, err error) {
	fmt.Fprintf(os.Stderr, "sse: "+format+"\n", err)
	os.Exit(code)
}

// maxCatchUp is how late tick may be and still make up for it; later, it was suspended.
const maxCatchUp = time.Second

// tick publishes an event each interval until done is closed. A time.Ticker would drop events at
// intervals that the scheduler can't keep. An event tells the time now, by the machine's clock, at
// which it is published: the clock may have been set, and the machine may have slept.
func tick(publish func(context.Context, sse.Event) error, done <-chan struct{}, interval time.Duration, now func() time.Time) {
	for next := time.Now().Add(interval); ; next = next.Add(interval) {
		if wait := time.Until(next); wait > 0 {
			select {
			case <-time.After(wait):
			case <-done:
				return
			}
		} else if wait < -maxCatchUp {
			next = time.Now()
		}
		if publish(context.Background(), sse.Event{Data: hello(now())}) != nil {
			return // The broker has stopped.
		}
	}
}

// hello returns the payload of the event that is published at a time.
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
	// /events/ is served, too: a page of another origin could not follow Iris's redirect.
	app := iris.New().Configure(iris.WithFireMethodNotAllowed, iris.WithoutPathCorrectionRedirection)
	program.Answers(app)
	web.Register(app)
	app.HandleMany("GET HEAD OPTIONS", "/events", broker.ServeHTTP)
	app.HandleMany("GET HEAD", "/healthz", program.Health(broker, member))
	app.HandleMany("GET HEAD", "/stats", program.Stats(broker, member))
	return app
}
