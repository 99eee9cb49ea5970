// Package main shows how to send continuous event messages to the clients through SSE via a
// broker. Read more at:
// https://html.spec.whatwg.org/multipage/server-sent-events.html
// https://robots.thoughtbot.com/writing-a-server-sent-events-server-in-go
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

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

func main() {
	o, log := program.Start() // flags; -h, -version, -healthcheck and the command token end here
	log.End(run(o, log))
}

// run makes the broker, the ticker and the routes, and serves until a signal comes. Its error says why it can't serve.
func run(o *program.Options, log *program.Output) error {
	rights, warnings, err := o.Rights()
	if err != nil {
		return err
	}
	log.Complain(warnings...)
	certificate, err := o.Certificate()
	if err != nil {
		return err
	}

	serving := server.UntilSignal()
	broker := sse.New(o.Broker)
	source, err := o.OpenSource(broker, log)
	if err != nil {
		return err
	}
	if source.Member != nil {
		go source.Member.Tick(context.Background(), o.Interval, hello) // All servers publish the same ticks.
	} else {
		go tick(source.Publish, broker.Done(), o.Interval, time.Now)
	}

	listener, err := o.Listen(certificate)
	if err != nil {
		return err
	}
	app := newApp(serving, broker, source, rights)
	if err := o.ServeFigures(serving, app, program.Figures{Broker: broker, Source: source, Rights: rights}); err != nil {
		return err
	}
	log.Listening(listener.URL(), rights.String())
	waitForSystemd := program.TellSystemd(serving, broker)
	err = server.Options{Drain: o.Drain}.ServeIris(serving, listener, app, broker)
	err = errors.Join(err, source.Close())
	waitForSystemd()
	return err
}

// newApp returns an app with the routes of the page, the stream, and the health. The context ends when the server is to
// stop.
func newApp(serving context.Context, broker *sse.Broker, source *program.Source, rights *program.Rights) *iris.Application {
	app := program.NewApp()
	web.Register(app)
	app.HandleMany("GET HEAD OPTIONS", "/events", rights.Streams(broker))
	if rights.MayPublish() {
		// This handler's answer to OPTIONS, which says who may publish, takes the place of the stream's, which says who may read.
		app.HandleMany("POST OPTIONS", "/events", rights.Publishing(source.Publish))
	}
	app.HandleMany("GET HEAD", "/healthz", program.Health(serving, broker, source))
	return app
}

// maxCatchUp is how late ticks may be without one being left out: each is then published at once. A tick that is later means
// that the process was suspended: one tick is published at once, in place of all that were due meanwhile.
const maxCatchUp = time.Second

// tick publishes an event each interval until done is closed. A time.Ticker would drop events at intervals that the
// scheduler can't keep. An event's time is that at which it is published, by the machine's clock, and not the one for
// which it was due: the clock may have been set, and the machine may have slept.
func tick(publish func(context.Context, sse.Event) error, done <-chan struct{}, interval time.Duration, now func() time.Time) {
	due := time.Now()
	for {
		due = nextDue(due, interval)
		if wait := time.Until(due); wait > 0 {
			select {
			case <-time.After(wait):
			case <-done:
				return
			}
		}
		// Other errors end nothing: the store logs that the disk is full, and it may have room for the next event.
		if err := publish(context.Background(), sse.Event{Data: hello(now())}); errors.Is(err, sse.ErrStopped) {
			return
		}
	}
}

// nextDue returns when the next event is due. The argument last is when the one before it was due.
func nextDue(last time.Time, interval time.Duration) time.Time {
	due := last.Add(interval)
	if time.Since(due) > maxCatchUp {
		return time.Now() // The intervals begin anew.
	}
	return due
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
