// Gosse is github.com/tmaxmax/go-sse as its documentation has it, with events held for
// clients that resume.
package main

import (
	"log"
	"net/http"
	"strconv"

	"example.com/sse/bench/rivals/demo"

	"github.com/tmaxmax/go-sse"
)

// held is how many events a client may have missed.
const held = 4096

func main() {
	f := demo.Parse()
	replayer, err := sse.NewFiniteReplayer(held, false)
	if err != nil {
		log.Fatal(err)
	}
	server := &sse.Server{
		Provider: &sse.Joe{Replayer: replayer},
		OnSession: func(w http.ResponseWriter, _ *http.Request) (topics []string, allowed bool) {
			// Without this the head would go out with the first event.
			w.Header().Set("Content-Type", "text/event-stream")
			return nil, http.NewResponseController(w).Flush() == nil
		},
	}
	go demo.Every(f.Interval, func(id int64, payload []byte) error {
		m := &sse.Message{ID: sse.ID(strconv.FormatInt(id, 10))}
		m.AppendData(string(payload))
		return server.Publish(m)
	})
	http.Handle("/events", server)
	log.Fatal(f.Serve())
}
