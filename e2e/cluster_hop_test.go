package e2e

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"example.com/sse/internal/testkit"

	"github.com/nats-io/nats.go/jetstream"
)

// Servers read from NATS at slightly different times, also where all is well: a client that
// leaves one server and connects to the other at once, as through a load balancer, is often ahead of it.
func TestClientsThatHopBetweenServersMissAndRepeatNothing(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	servers := startServers(t, 2, "-nats", n.client, "-interval", "24h")
	js := jetStream(t, n.client)
	last := publish(t, js, "0 0")
	var clients []*collector
	for range 10 {
		clients = append(clients, &collector{client: streaming, last: last, next: map[int]int{0: 1}})
	}
	checkHops(t, js, []string{"sse.events"}, clients, servers, 100)
}

// Of each of its topics a client gets each event once, and in order.
func TestClientsOfTopicsThatHopBetweenServersMissAndRepeatNothing(t *testing.T) {
	t.Parallel()
	const topics = 100
	n := startNATS(t)
	servers := startServers(t, 2, "-nats", n.client, "-interval", "24h")
	js := jetStream(t, n.client)
	first := publishInTurn(t, js, topics, topics, "")
	var subjects []string
	for i := range topics {
		subjects = append(subjects, fmt.Sprint("sse.events.many.", i))
	}
	var clients []*collector
	for range 10 {
		clients = append(clients, newCollector(topics, first, first+topics-1, rand.Perm(topics)[:20]...))
	}
	checkHops(t, js, subjects, clients, servers, 50)
}

// checkHops has clients leave one server for the other so many times, while 500 events a second are published on some subjects. The
// data of an event is the number of its subject, and its own number there, from 1 on.
func checkHops(t *testing.T, js jetstream.JetStream, subjects []string, clients []*collector, servers []*server, hops int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*testkit.Limit)
	defer cancel()
	published := make(chan error, 1)
	go func() {
		count := make([]int, len(subjects))
		published <- publishSteadily(ctx, js, math.MaxInt, func(int) (subject, data string) {
			i := rand.IntN(len(subjects))
			count[i]++
			return subjects[i], fmt.Sprint(i, " ", count[i])
		})
	}()
	ended := make(chan error, len(clients))
	for i, c := range clients {
		go func() {
			for j := range hops {
				if err := c.visit(ctx, servers[(i+j)%2], math.MaxInt64, 1+rand.IntN(10)); err != nil {
					ended <- fmt.Errorf("client %d, hop %d, after event %d: %w", i, j, c.last, err)
					return
				}
			}
			ended <- nil
		}()
	}
	for range clients {
		if err := <-ended; err != nil { // They all end with ctx.
			t.Error(err)
		}
	}
	cancel()
	if err := <-published; !errors.Is(err, context.Canceled) {
		t.Errorf("publishing has ended with %v", err)
	}
}
