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
		c.ConnectionEnded(nil)
		synctest.Wait()
		if c.ends.forget() {
			t.Error("the context still knows it")
		}
		shutdown(t, b)
	})
}

// A stuckContext is an app's own context, whose methods wait for the app.
type stuckContext struct {
	context.Context
	known, forgotten chan struct{} // AfterFunc, and what it returns, wait for these
}

func (s *stuckContext) Done() <-chan struct{} { return make(chan struct{}) }

// AfterFunc is called by [context.AfterFunc].
func (s *stuckContext) AfterFunc(func()) (stop func() bool) {
	<-s.known
	return func() bool {
		<-s.forgotten
		return true
	}
}

func TestContextThatIsStuckStopsNoStreamButItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBroker()
		written := make(chan time.Time, 10)
		join := func(session context.Context) *client {
			c := &client{broker: b, index: gone, out: slowTransport{written: written}}
			if session != nil {
				c.ends = &ending{context: session}
			}
			c.outbox.init()
			if !b.join(c, "") {
				t.Error("the broker has stopped")
			}
			return c
		}
		other := join(nil)
		go other.writeAlone(nil)
		gets := func(id int64) {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := b.Publish(ctx, Event{ID: id}); err != nil {
				t.Errorf("event %d: %v", id, err)
				return
			}
			synctest.Wait()
			if len(written) != 1 {
				t.Errorf("event %d was written %d times", id, len(written))
			}
			for range len(written) {
				<-written
			}
		}
		session := &stuckContext{Context: t.Context(), known: make(chan struct{}), forgotten: make(chan struct{})}
		joined := make(chan *client)
		go func() { joined <- join(session) }()
		synctest.Wait()
		gets(1) // while the context is told of the client
		close(session.known)
		c := <-joined
		c.ConnectionEnded(nil)
		synctest.Wait()
		gets(2) // while the context is to forget the client
		if clients := b.Stats().Clients; clients != 1 {
			t.Errorf("%d clients are registered", clients)
		}
		close(session.forgotten)
		other.ConnectionEnded(nil)
		shutdown(t, b)
	})
}

// A stream may end before its client is registered: whoever waits for that must not wait for ever, nor end nothing.
func TestContextThatHasEndedBeforeTheClientJoins(t *testing.T) {
	for _, stopped := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			b := NewBroker()
			if stopped {
				shutdown(t, b)
			}
			session, logOut := context.WithCancel(t.Context())
			logOut()
			ended := make(chan struct{}, 1)
			c := &client{broker: b, index: gone, out: slowTransport{}, ended: func() { ended <- struct{}{} }}
			c.ends = &ending{context: session, at: time.Now()}
			c.outbox.init()
			if joins := b.join(c, ""); joins == stopped {
				t.Fatalf("it joins: %v", joins)
			} else if !joins {
				c.hasEnded()
			} else {
				synctest.Wait()
				if !c.finished {
					t.Error("its stream goes on")
				}
				c.ConnectionEnded(nil)
			}
			<-ended
			shutdown(t, b)
		})
	}
}
