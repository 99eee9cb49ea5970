// Gosse is github.com/tmaxmax/go-sse as its documentation has it, with events retained for
// clients that resume.
package main

import (
	"log"
	"net/http"
	"strconv"

	"example.com/sse/bench/rivals/demo"

	"github.com/tmaxmax/go-sse"
)

// retained is how many events a client may have missed.
const retained = 4096

func main() {
	f := demo.Parse()
	retain := retained
	if f.Each {
		retain = max(retained, f.Topics) // an event of each topic
	}
	replayer, err := sse.NewFiniteReplayer(retain, false)
	if err != nil {
		log.Fatal(err)
	}
	server := &sse.Server{
		Provider: &sse.Joe{Replayer: replayer},
		OnSession: func(w http.ResponseWriter, r *http.Request) (topics []string, allowed bool) {
			// Without this the header would go out with the first event.
			w.Header().Set("Content-Type", "text/event-stream")
			return r.URL.Query()["topic"], http.NewResponseController(w).Flush() == nil
		},
	}
	go f.Publish(func(topic string, id int64, payload []byte) error {
		m := &sse.Message{ID: sse.ID(strconv.FormatInt(id, 10))}
		m.AppendData(string(payload))
		return server.Publish(m, topic) // The empty one is everybody's.
	})
	http.Handle("/events", server)
	log.Fatal(f.Serve())
}
