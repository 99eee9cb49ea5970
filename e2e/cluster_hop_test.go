package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

// Servers read from NATS at slightly different times, also where all is well: a client that
// leaves one server and connects to the other at once, as through a load balancer, is often ahead of it.
func TestClientsThatHopBetweenServersMissAndRepeatNothing(t *testing.T) {
	t.Parallel()
	const clients, hops = 10, 100
	n := startNATS(t)
	servers := startServers(t, 2, "-nats", n.client, "-interval", "24h")
	js := jetStream(t, n.client)
	first := publish(t, js, "the first")
	ctx, cancel := context.WithTimeout(t.Context(), 2*testkit.Limit)
	defer cancel()
	publisher := make(chan error, 1)
	go func() {
		every := time.NewTicker(2 * time.Millisecond)
		defer every.Stop()
		for {
			select {
			case <-every.C:
				if err := js.Conn().Publish("sse.events", []byte("one of many")); err != nil {
					publisher <- err
					return
				}
			case <-ctx.Done():
				publisher <- nil
				return
			}
		}
	}()
	ended := make(chan error, clients)
	for i := range clients {
		go func() {
			last := first
			for j := range hops {
				var err error
				if last, err = visit(ctx, servers[(i+j)%2], last); err != nil {
					ended <- fmt.Errorf("client %d, hop %d: %w", i, j, err)
					return
				}
			}
			ended <- nil
		}()
	}
	for range clients {
		if err := testkit.Receive(t, ended, "a client has made all its hops"); err != nil {
			t.Error(err)
		}
	}
	cancel()
	if err := testkit.Receive(t, publisher, "the publisher ends"); err != nil {
		t.Error(err)
	}
}

// visit opens a server's stream after an event, reads some events, and leaves. It returns the
// last event's ID, or an error unless each ID follows the one before: NATS numbers events without
// a gap.
func visit(ctx context.Context, s *server, last int64) (int64, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/events", nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Last-Event-ID", fmt.Sprint(last))
	resp, err := testkit.Client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	p := testkit.NewParser(resp.Body)
	p.LastID = last
	for range 1 + rand.IntN(10) {
		e, err := p.Next()
		if err != nil {
			return 0, fmt.Errorf("after event %d: %w", last, err)
		}
		if e.ID != last+1 {
			return 0, fmt.Errorf("event %d follows event %d", e.ID, last)
		}
		last = e.ID
	}
	return last, nil
}
