// R3labs is github.com/r3labs/sse as it comes: it numbers the events itself, holds them all,
// and sends them all to whoever connects.
package main

import (
	"log"
	"net/http"

	"example.com/sse/bench/rivals/demo"

	"github.com/r3labs/sse/v2"
)

func main() {
	f := demo.Parse()
	server := sse.New()
	server.CreateStream("demo")
	go demo.Every(f.Interval, func(_ int64, payload []byte) error {
		server.Publish("demo", &sse.Event{Data: payload})
		return nil
	})
	http.Handle("/events", server)
	log.Fatal(f.Serve())
}
