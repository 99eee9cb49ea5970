// App is the README's app of one's own, with the flags and the events that all servers have here: it
// shows whether an app that uses packages sse and server costs what this project's program does.
package main

import (
	"context"
	"crypto/tls"
	"log"

	"example.com/sse/bench/rivals/demo"
	"example.com/sse/server"
	"example.com/sse/sse"
	"example.com/sse/store"

	"github.com/kataras/iris/v12"
)

func main() {
	f := demo.Parse()
	var options sse.Options
	if f.Topics > 0 {
		options.History = 64 << 20 // an event of each of 100,000 topics
	}
	broker := sse.New(options)
	publish := broker.Publish
	if f.Data != "" {
		events, err := store.Open(broker, store.Options{Dir: f.Data})
		if err != nil {
			log.Fatal(err)
		}
		defer events.Close()
		publish = events.Publish
	}
	go f.Publish(func(topic string, _ int64, payload []byte) error {
		return publish(context.Background(), sse.Event{Topic: topic, Data: payload})
	})

	app := iris.New()
	app.Any("/events", broker.ServeHTTP)
	var certificate *tls.Config
	if f.Cert != "" {
		var err error
		if certificate, err = server.Certificate(f.Cert, f.Key); err != nil {
			log.Fatal(err)
		}
	}
	listener, err := server.Listen(f.Addr, certificate)
	if err != nil {
		log.Fatal(err)
	}
	if err := server.ServeIris(server.UntilSignal(), listener, app, broker); err != nil {
		log.Fatal(err)
	}
}
