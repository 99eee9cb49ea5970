package sse

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

// Who comes to a broker that drains gets a stream that ends, after which each client reconnects, and over HTTP/2 it
// does so on another connection: behind the same address there may be another server.
func TestWhoComesWhileABrokerDrainsReconnects(t *testing.T) {
	for _, major := range []int{1, 2} {
		b := NewBroker()
		var mu sync.Mutex
		var from []string // the connection of each request
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			from = append(from, r.RemoteAddr)
			mu.Unlock()
			b.Serve(w, r, Stream{})
		}))
		server.EnableHTTP2 = major == 2
		server.StartTLS()
		defer server.Close()
		staying := openWith(t, server.Client(), server.URL)
		eventually(t, "registered", func() bool { return b.Stats().Clients == 1 })
		drained := make(chan error, 1)
		go func() { drained <- b.Drain(t.Context(), time.Hour) }()
		testkit.Receive(t, b.drain.draining, "the drain begins")
		for n := range 3 {
			late := openWith(t, server.Client(), server.URL)
			if late.response.StatusCode != http.StatusOK || late.response.ProtoMajor != major {
				t.Errorf("HTTP/%d: %s %s: a browser would give up", major, late.response.Proto, late.response.Status)
			}
			late.wantEnd(t)
			late.response.Body.Close()
			mu.Lock()
			if n > 0 && from[n+1] == from[n] {
				t.Errorf("HTTP/%d: the client comes again on the same connection", major)
			}
			mu.Unlock()
		}
		b.Notifier <- Event{ID: 1}
		staying.want(t, 1, "")
		if clients := b.Stats().ClientsTotal; clients != 1 {
			t.Errorf("HTTP/%d: %d clients were registered", major, clients)
		}
		shutdown(t, b)
		if err := testkit.Receive(t, drained, "the drain ends"); err != nil {
			t.Error(err)
		}
		staying.wantEnd(t)
		staying.response.Body.Close()
	}
}
