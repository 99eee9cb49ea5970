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
	"fmt"
	"os"
	"time"

	"example.com/sse/cluster"
	"example.com/sse/internal/program"
	"example.com/sse/server"
	"example.com/sse/sse"
	"example.com/sse/store"
	"example.com/sse/web"

	"github.com/kataras/golog"
	"github.com/kataras/iris/v12"
)

// An event is what the ticker sends.
type event struct {
	Timestamp int64  `json:"timestamp"` // Unix seconds
	Message   string `json:"message"`
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "token" {
		os.Exit(program.MakeToken(os.Args[2:], os.Stdout, os.Stderr))
	}
	o, err := program.Parse(os.Args[1:], os.Getenv, os.Stdout)
	if errors.Is(err, program.ErrDone) {
		return
	}
	log := program.LogTo(os.Stdout, golog.Default.Printer.IsTerminal, o.Log == "json")
	if err != nil {
		log.Fail(2, "%v (-h lists the flags)", err)
	}
	if o.CheckHealth {
		if err := program.CheckHealth(o); err != nil {
			log.Fail(1, "%v", err)
		}
		return
	}
	rights, warnings, err := o.Rights()
	if err != nil {
		log.Fail(1, "%v", err)
	}
	for _, warning := range warnings {
		log.Complain("%s", warning)
	}
	var certificate *tls.Config
	if o.Cert != "" {
		if certificate, err = server.Certificate(o.Cert, o.Key); err != nil {
			log.Fail(1, "certificate: %v", err)
		}
	}

	signalled := server.UntilSignal()
	o.Broker.Log = log
	broker := sse.New(o.Broker)
	// Where the events come from and go: this server's memory, its disk, or the stream of all servers.
	publish := broker.Publish
	var member *cluster.Member
	var events *store.Store
	switch {
	case o.NATS.URLs != "":
		if member, err = cluster.Join(broker, o.NATS); err != nil {
			log.Fail(2, "%s: %v", o.GivenAs("nats"), err)
		}
		publish = member.Publish
		go member.Tick(context.Background(), o.Interval, hello)
	case o.Data.Dir != "":
		if events, err = store.Open(broker, o.Data); err != nil {
			log.Fail(1, "%s: %v", o.GivenAs("data"), err)
		}
		publish = events.Publish
		go program.Mind(events, func(err error) { log.Fail(1, "%s: %v", o.GivenAs("data"), err) })
	}
	if member == nil {
		go tick(publish, broker.Done(), o.Interval, time.Now)
	}
	listener, err := program.Listen(o.Addr, certificate)
	if err != nil {
		log.Fail(1, "%v", err)
	}

	app := newApp(signalled, broker, rights, member, events)
	figures := program.Figures{Broker: broker, Publications: new(program.Publications), Rights: rights, Member: member, Store: events}
	if o.AdminAddr == "" {
		figures.Register(app)
	} else if err := figures.ServeAdmin(signalled, o.AdminAddr); err != nil {
		log.Fail(1, "%s: %v", o.GivenAs("admin-addr"), err)
	}
	if rights.MayPublish() {
		// OPTIONS says who may publish, in place of the other handler's, which says who may read.
		app.HandleMany("POST OPTIONS", "/events", figures.Publications.Count, rights.Publishing(publish))
	}
	log.Listening(listener.URL(), rights.String())
	told := program.TellSystemd(signalled, broker.Done(), func() int64 { return broker.Stats().Clients })
	err = server.Options{Drain: o.Drain}.ServeIris(signalled, listener, app, broker)
	if events != nil {
		err = errors.Join(err, events.Close()) // It stores what it has accepted.
	}
	told()
	log.Flush()
	if err != nil {
		log.Fail(1, "%v", err)
	}
}

// maxCatchUp is how late tick may be and still publish the events that it has missed. When it is later, the process
// was suspended, and the intervals begin anew.
const maxCatchUp = time.Second

// tick publishes an event each interval until done is closed. A time.Ticker would drop events at
// intervals that the scheduler can't keep. An event's time is that at which it is published, by the machine's
// clock, and not the one for which it was due: the clock may have been set, and the machine may have slept.
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
		// Other errors end nothing: the store logs that the disk is full, and it may have room for the next event.
		if err := publish(context.Background(), sse.Event{Data: hello(now())}); errors.Is(err, sse.ErrStopped) {
			return
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

// newApp returns the routes of a server that serves until a context ends. A server alone has a nil member, and one
// without a disk nil events.
func newApp(serving context.Context, broker *sse.Broker, rights *program.Rights, member *cluster.Member, events *store.Store) *iris.Application {
	// /events/ is served, too: a page of another origin could not follow Iris's redirect.
	app := iris.New().Configure(iris.WithFireMethodNotAllowed, iris.WithoutPathCorrectionRedirection)
	program.Answers(app)
	web.Register(app)
	app.HandleMany("GET HEAD OPTIONS", "/events", rights.Streams(broker))
	app.HandleMany("GET HEAD", "/healthz", program.Health(serving, broker, member, events))
	return app
}
