package server_test

import (
	"log"
	"net/http"

	"example.com/sse/server"
	"example.com/sse/sse"

	"github.com/kataras/iris/v12"
)

func ExampleServe() {
	broker := sse.NewBroker()
	mux := http.NewServeMux()
	mux.Handle("/events", broker.Handler())

	listener, err := server.Listen(":8080", nil)
	if err != nil {
		log.Fatal(err)
	}
	if err := server.Serve(server.UntilSignal(), listener, &http.Server{Handler: mux}, broker); err != nil {
		log.Fatal(err)
	}
}

func ExampleServeIris() {
	broker := sse.NewBroker()
	app := iris.New()
	app.Any("/events", broker.ServeHTTP)

	certificate, err := server.Certificate("cert.pem", "key.pem")
	if err != nil {
		log.Fatal(err)
	}
	listener, err := server.Listen(":8443", certificate)
	if err != nil {
		log.Fatal(err)
	}
	if err := server.ServeIris(server.UntilSignal(), listener, app, broker); err != nil {
		log.Fatal(err)
	}
}

// An app that serves in its own way has the limits alone.
func ExampleConfigure() {
	srv := &http.Server{Addr: ":8080"}
	server.Configure(srv)
	log.Fatal(srv.ListenAndServe())
}
