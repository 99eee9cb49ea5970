// R3labs is github.com/r3labs/sse as it comes: it numbers the events itself, holds them all,
// and sends them all to whoever connects.
package main

import (
	"cmp"
	"log"
	"net/http"

	"example.com/sse/bench/rivals/demo"

	"github.com/r3labs/sse/v2"
)

// everybody is the stream of the events that have no topic.
const everybody = "demo"

func main() {
	f := demo.Parse()
	server := sse.New()
	server.CreateStream(everybody)
	server.AutoStream = f.Topics > 0 // a stream for a topic that a client asks for
	go f.Publish(func(topic string, _ int64, payload []byte) error {
		if f.Each {
			server.CreateStream(topic) // Nobody has asked for it.
		}
		server.Publish(cmp.Or(topic, everybody), &sse.Event{Data: payload})
		return nil
	})
	http.Handle("/events", server)
	log.Fatal(f.Serve())
}
