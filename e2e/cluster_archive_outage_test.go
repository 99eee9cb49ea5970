package e2e

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/sse/internal/testkit"

	"github.com/nats-io/nats.go/jetstream"
)

// collectSlowly starts clients of one, of some and of all of ten topics, whose events were published in turn, and returns once each has
// some. Each reads its first events slowly, so that something can happen meanwhile, and tells ended when it has the last.
func collectSlowly(ctx context.Context, t *testing.T, s *server, first, last int64, ended chan<- error) (cs []*collector) {
	t.Helper()
	const some = 100
	for i, topics := range [][]int{{9}, {1, 2, 9}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}} {
		c := newCollector(10, first, first+int64(i), topics...)
		begun, came := make(chan struct{}), 0
		c.pause = func() {
			if came++; came == some {
				close(begun)
			}
			if came < 2*some {
				time.Sleep(5 * time.Millisecond)
			}
		}
		go func() { ended <- c.read(ctx, last, s) }()
		testkit.Receive(t, begun, "a client has some events")
		cs = append(cs, c)
	}
	return cs
}

// NATS ends, or freezes, while a client is given what it lacks: its stream ends or stands still, and the client
// gets the rest when NATS is back, once.
func TestClientGetsWhatItLacksOverAnOutageOfNATS(t *testing.T) {
	t.Parallel()
	const topics, events = 10, 6000
	for _, outage := range []struct {
		what       string
		away, back func(*testing.T, *natsServer)
	}{
		{"killed", func(_ *testing.T, n *natsServer) { n.kill() }, func(_ *testing.T, n *natsServer) { n.restart() }},
		{"frozen", freeze, func(_ *testing.T, n *natsServer) { n.signal(syscall.SIGCONT) }},
	} {
		t.Run(outage.what, func(t *testing.T) {
			t.Parallel()
			n := startNATS(t)
			s := n.serve(shortHistory...)
			js := jetStream(t, n.client)
			first := publishInTurn(t, js, topics, events, strings.Repeat("x", 5000)) // more than buffers hold
			last := first + events - 1
			waitForSequence(t, s, last)
			live := subscribe(t, s.url+"/events", "")
			ctx, ended := limited(t), make(chan error, 4)
			cs := collectSlowly(ctx, t, s, first, last, ended)
			outage.away(t, n)
			late := newCollector(topics, first, first, 9) // It comes meanwhile.
			go func() { ended <- late.read(ctx, last, s) }()
			time.Sleep(8 * time.Second) // longer than the pings take to find out
			outage.back(t, n)
			for range len(cs) + 1 {
				if err := testkit.Receive(t, ended, "a client has all events"); err != nil {
					t.Error(err)
				}
			}
			for i, c := range append(cs, late) {
				if len(c.told) > 0 {
					t.Errorf("client %d was told of a gap", i)
				}
			}
			id := publishAgain(t, js)
			if got, _ := live.next(); got != id {
				t.Errorf("the server's own events: got %d, want %d", got, id)
			}
			checkConsumersAreGone(t, js, 1)
		})
	}
}

// The stream's leader is lost while clients are given what they lack.
func TestClientGetsWhatItLacksAlthoughNATSLosesTheStreamsLeader(t *testing.T) {
	t.Parallel()
	const topics, events = 10, 3000
	nodes, urls := startNATSCluster(t, 3)
	s := startServers(t, 1, append([]string{"-nats", urls, "-nats-replicas", "3", "-interval", never.String()}, shortHistory...)...)[0]
	js := jetStream(t, urls)
	publishAgainWithin(t, electedWithin, js)
	first := publishInTurn(t, js, topics, events, strings.Repeat("x", 5000))
	last := publishAgainWithin(t, electedWithin, js) - 1
	if last != first+events-1 {
		t.Fatalf("NATS has %d events, want %d", last-first+1, events)
	}
	waitForSequence(t, s, last)
	stream, err := js.Stream(t.Context(), "SSE")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*electedWithin)
	defer cancel()
	ended := make(chan error, 3)
	cs := collectSlowly(ctx, t, s, first, last, ended)
	leaderOf(t, nodes, stream).kill()
	testkit.EventuallyWithin(t, 2*electedWithin, func() error {
		if len(ended) < len(cs) {
			return fmt.Errorf("%d clients have all events", len(ended))
		}
		return nil
	})
	for range cs {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	for i, c := range cs {
		if len(c.told) > 0 {
			t.Errorf("client %d was told of a gap", i)
		}
	}
}

// An operator's stream allows its servers' consumers only: whoever lacks what is on NATS gets the rest, and is told.
func TestStreamThatAllowsNoMoreConsumersKeepsNobodyAway(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	js := jetStream(t, n.client)
	createStream(t, js, jetstream.StreamConfig{MaxConsumers: 1})
	s := n.serve(shortHistory...)
	first := publishInTurn(t, js, 1, 1000, "x")
	waitForSequence(t, s, first+999)
	var got []int64
	for range 2 { // The first is refused.
		resumed := subscribe(t, s.url+"/events?topic=many/0", fmt.Sprint(first))
		for e := range resumed.events {
			if got = append(got, e.ID); e.ID == first+999 {
				break
			}
		}
		resumed.close()
	}
	if len(got) == 0 || got[len(got)-1] != first+999 || got[0] <= first+100 {
		t.Errorf("got %d events", len(got))
	}
	if told := s.stats().ResumesIncomplete; told != 1 {
		t.Errorf("%d clients were told of a gap, want 1", told)
	}
	if lines := strings.Count(s.output(), "for a minute clients get what their server retains"); lines != 1 {
		t.Errorf("%d lines say that the stream allows no more consumers:\n%s", lines, s.output())
	}
}
