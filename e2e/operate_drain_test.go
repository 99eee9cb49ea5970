package e2e

import (
	"io"
	"net/http"
	"slices"
	"syscall"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

// Streams end one after another, each complete until its end, while the server says that it stops, sends on what is
// published, and has who comes reconnect.
func TestDrainEndsStreamsOneAfterAnother(t *testing.T) {
	t.Parallel()
	s := start(t, "-interval", "50ms", "-publish-token-file", tokenFile(t), "-drain", "6s")
	var streams []*stream
	for range 30 {
		streams = append(streams, subscribe(t, s.url+"/events", ""))
	}
	s.waitForClients(30)
	ends := make(chan time.Time, len(streams))
	for _, stream := range streams {
		go func() {
			<-stream.ended
			ends <- time.Now()
		}()
	}
	s.signal(syscall.SIGTERM)
	s.waitForStatus(http.StatusServiceUnavailable)
	if n := len(ends); n > 0 {
		t.Errorf("%d streams ended before a load balancer could see that the server stops", n)
	}
	early := subscribe(t, s.url+"/events", "") // A load balancer may not have looked yet.
	early.next()
	s.publish("", "in the drain")
	first := testkit.Receive(t, ends, "the first stream ends")
	late := subscribe(t, s.url+"/events", "")
	if err := late.end(); err != io.EOF {
		t.Errorf("who comes in the drain gets %v", err)
	}
	last := first
	for range len(streams) - 1 {
		last = testkit.Receive(t, ends, "the next stream ends")
	}
	if spread := last.Sub(first); spread < time.Second {
		t.Errorf("all end within %v", spread)
	}
	s.wantEnd()
	var got [][]testkit.Event
	for _, stream := range append(streams, early) {
		if err := stream.end(); err != io.EOF {
			t.Errorf("a stream ends with %v", err)
		}
		var events []testkit.Event
		for e := range stream.events {
			events = append(events, e)
		}
		got = append(got, events)
	}
	// The one that ended last has them all.
	longest := slices.MaxFunc(got, func(a, b []testkit.Event) int { return int(a[len(a)-1].ID - b[len(b)-1].ID) })
	if !slices.ContainsFunc(longest, func(e testkit.Event) bool { return e.Data == "in the drain" }) {
		t.Error("nobody got what was published in the drain")
	}
	for _, events := range got {
		begin := slices.IndexFunc(longest, func(e testkit.Event) bool { return e.ID == events[0].ID })
		if begin < 0 { // It began before.
			begin = 0
			events = events[slices.IndexFunc(events, func(e testkit.Event) bool { return e.ID == longest[0].ID }):]
		}
		if end := begin + len(events); end > len(longest) || !slices.Equal(events, longest[begin:end]) {
			t.Errorf("a stream of %d events lacks some", len(events))
		}
	}
}

func TestSecondSignalEndsADrainAtOnce(t *testing.T) {
	t.Parallel()
	s := start(t, "-drain", "1h")
	stream := subscribe(t, s.url+"/events", "")
	s.waitForClients(1)
	s.signal(syscall.SIGTERM)
	s.waitForStatus(http.StatusServiceUnavailable)
	s.signal(syscall.SIGTERM)
	testkit.Receive(t, s.exited, "the server ends")
	if !s.cmd.ProcessState.Sys().(syscall.WaitStatus).Signaled() {
		t.Errorf("it ended with %v", s.cmd.ProcessState)
	}
	stream.end()
}
