// Bare is what one writes on net/http in ten minutes: a goroutine and a buffered channel a
// client. It cannot resume, and cuts off whoever falls behind by a full channel.
package main

import (
	"fmt"
	"log"
	"net/http"
	"sync"

	"example.com/sse/bench/rivals/demo"
)

// maxBehind is how many events a client may be behind.
const maxBehind = 256

type broker struct {
	mu      sync.Mutex               // protects clients
	clients map[chan []byte]struct{} // closed when the client is cut off
}

func main() {
	f := demo.Parse()
	b := &broker{clients: make(map[chan []byte]struct{})}
	go demo.Every(f.Interval, b.send)
	http.HandleFunc("/events", b.serve)
	log.Fatal(f.Serve())
}

func (b *broker) send(id int64, payload []byte) error {
	frame := fmt.Appendf(nil, "id: %d\ndata: %s\n\n", id, payload)
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.clients {
		select {
		case c <- frame:
		default:
			delete(b.clients, c)
			close(c)
		}
	}
	return nil
}

func (b *broker) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-cache")
	flusher := w.(http.Flusher)
	flusher.Flush()
	c := make(chan []byte, maxBehind)
	b.mu.Lock()
	b.clients[c] = struct{}{}
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		delete(b.clients, c)
		b.mu.Unlock()
	}()
	for {
		select {
		case frame, ok := <-c:
			if !ok {
				return
			}
			if _, err := w.Write(frame); err != nil {
				return
			}
			flusher.Flush()
		case <-r.Context().Done():
			return
		}
	}
}
