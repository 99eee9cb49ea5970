package sse

import (
	"context"
	"fmt"
	"time"
)

// Hold is for a source that has to fill the histories first, or to catch up. Without Hold, a client that resumes
// would be placed in a history that does not have its next event yet.
//
//   - Until [Broker.Release], clients that connect from now on wait, with an open stream and heartbeats. After the first Release
//     a Hold keeps only those clients waiting that can't resume from what the broker has.
//   - From now on, also after Release, [Broker.Publish] refuses an event without an ID: such a source numbers its events.
//   - From now on, also after Release, a client whose last event ID this broker does not have yet waits for that
//     event, for 10 s at most: the source may be shared with another broker, which is ahead.
//
// On a stopped broker Hold does nothing.
func (b *Broker) Hold() {
	b.numbered.Store(true)
	b.sendHold(true)
}

// Release ends [Broker.Hold]: the clients that waited are placed in the history, which then has all
// that was published before Release. Without a Hold it does nothing.
func (b *Broker) Release() { b.sendHold(false) }

// A hold asks listen to hold clients or not; listen closes done when it has done so.
type hold struct {
	held bool
	done chan struct{}
}

func (b *Broker) sendHold(held bool) {
	h := hold{held, make(chan struct{})}
	select {
	case b.holdRequests <- h:
		// An event that is sent after Hold or Release has returned must not count as one sent before.
		<-h.done
	case <-b.done:
	}
}

// Done returns a channel that is closed when [Broker.Shutdown] begins: from then on nobody
// receives from Notifier.
func (b *Broker) Done() <-chan struct{} { return b.done }

// Shutdown stops the broker: from now on it accepts no client and no event. Every client is
// sent what is pending, then its stream ends; Shutdown returns when all clients are gone. When ctx
// ends first, Shutdown cuts off the clients that are left, and returns an error that says
// how many these were and wraps ctx's. Every call after the first one waits likewise.
//
// A send to Notifier that races with Shutdown may still go out or be lost, and one after
// it blocks for ever. [Broker.Publish] never blocks so, and tells whether its event goes out.
func (b *Broker) Shutdown(ctx context.Context) error {
	b.stop()
	ended := make(chan struct{})
	go func() {
		<-b.stopped
		b.streams.Wait()
		b.watcher.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
	}
	left := make(chan int, 1)
	select {
	case b.abortRequests <- left:
		if n := <-left; n > 0 {
			return fmt.Errorf("sse: cut off %d clients that did not read their last events: %w", n, ctx.Err())
		}
	case <-b.stopped:
	}
	return nil
}

// endStream closes a client's outbox: what is pending then is the last that the client gets. To take it the
// client has stallTimeout from now, as any other client has.
func (b *Broker) endStream(c *client) {
	b.catchUp()
	if c.index == gone || c.finished {
		return
	}
	b.leaveReplays(c)
	now, l := time.Now(), &b.writers.lanes[many]
	b.enqueue(c, now, false, l)
	if c.finished {
		return // enqueue has cut it off: it was too slow.
	}
	if c.commented {
		// tmaxmax/go-sse 0.12 takes a stream that ends with a comment for broken, and does not reconnect.
		c.outbox.takeBack()
		if c.outbox.put(batch{bytes: retryLine()}) {
			b.writers.add(c, l)
		}
	}
	c.finished = true
	c.since = now
	if c.outbox.close() {
		b.writers.add(c, l)
	}
}

// hasEnded is called when the client's stream has ended, and the client is not registered any more, or never was.
func (c *client) hasEnded() {
	if c.ends != nil {
		c.ends.stop()
	}
	if c.ended != nil {
		go c.ended() // It is the app's, and may block.
	}
}

// An ending ends a client's stream at a time ([Stream.Until]), or when a context ends ([Stream.Context]). The context is
// the app's: its methods take locks that somebody else may hold, so listen calls none of them.
type ending struct {
	at      time.Time       // zero for never
	context context.Context // nil for never

	// Set before the client is registered:

	timer  *time.Timer
	forget func() bool // has the context forget the client
}

// start sets the ending up for a client that is about to be registered, in the goroutine of the client's request. Once
// joined is closed the client is registered, or never will be.
func (e *ending) start(b *Broker, c *client, joined <-chan struct{}) {
	end := func() {
		<-joined // listen does not know the client before, and would do nothing.
		b.endSoon(c)
	}
	if !e.at.IsZero() {
		e.timer = time.AfterFunc(time.Until(e.at), end)
	}
	if e.context != nil {
		e.forget = context.AfterFunc(e.context, end)
	}
}

// stop makes the timer and the context forget a client that has left. It does not wait for the context.
func (e *ending) stop() {
	if e.timer != nil {
		e.timer.Stop()
	}
	if e.forget != nil {
		go e.forget()
	}
}

// endSoon has listen end the stream of a client, unless the client has left.
func (b *Broker) endSoon(c *client) {
	select {
	case b.endingClients <- c:
	case <-b.stopped:
	}
}
