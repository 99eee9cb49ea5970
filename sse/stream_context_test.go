package sse

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

func TestContextEndsStreamsAfterAllThatWasPublishedBefore(t *testing.T) {
	// Each stream has a context of its own, and all of them end with this one.
	session, logOut := context.WithCancel(context.Background())
	of := func() Stream { return Stream{Context: session, Until: time.Now().Add(time.Hour)} }
	overEachProtocolServing(t, Options{}, of, func(t *testing.T, b *Broker, open func(...string) io.Reader) {
		session, logOut = context.WithCancel(t.Context())
		streams := []stream{{Parser: newParser(open())}, {Parser: newParser(open())}}
		synctest.Wait()
		time.Sleep(time.Minute) // Nothing ends while the session does not.
		begun := time.Now()
		if err := b.Publish(t.Context(), Event{ID: 1}); err != nil {
			t.Fatal(err)
		}
		logOut()
		synctest.Wait()
		if err := b.Publish(t.Context(), Event{ID: 2}); err != nil {
			t.Fatal(err)
		}
		for _, s := range streams {
			s.want(t, 1, "")
			s.wantEnd(t)
		}
		synctest.Wait()
		if took, clients := time.Since(begun), b.Stats().Clients; took != 0 || clients != 0 {
			t.Errorf("%d clients are left after %v", clients, took)
		}

		// Who comes with a session that has ended gets what was missed, and the end.
		again := stream{Parser: newParser(open("Last-Event-ID", "1"))}
		again.want(t, 2, "")
		again.wantEnd(t)
		shutdown(t, b)
	})
	logOut()
}

// A session that lasts for a year must not keep its streams, which come and go.
func TestContextForgetsStreamsThatHaveEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		session, logOut := context.WithCancel(t.Context())
		defer logOut()
		b := NewBroker()
		c := &client{broker: b, index: gone, out: slowTransport{}, ends: &ending{context: session}}
		c.outbox.init()
		if !b.join(c, "") {
			t.Fatal("the broker has stopped")
		}
		b.leave(c)
		synctest.Wait()
		if c.ends.forget() {
			t.Error("the context still knows it")
		}
		shutdown(t, b)
	})
}
