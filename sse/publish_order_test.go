package sse

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sse/sse/internal/transport"
)

// A transcript is the transport of a client whose connection ends with its stream. It keeps what is written to the client.
type transcript struct {
	client  *client
	written []byte // owned by the writer until the broker is shut down
}

func (s *transcript) Open(part []byte) error { return s.Write(part, nil) }

func (s *transcript) Write(part []byte, _ *transport.Frame) error {
	s.written = append(s.written, part...)
	return nil
}

func (s *transcript) End() { go s.client.ConnectionEnded(nil) }

func (s *transcript) CutOff() { s.End() }

// Whoever has published events and then does something else finds the events there, although the broker's loop may
// not have taken them yet.
func TestWhatWasPublishedBeforeIsThere(t *testing.T) {
	const all = publishedBuffer
	for what, test := range map[string]struct {
		hold bool                                                                       // the broker is held
		do   func(t *testing.T, b *Broker, join func(*beginning) *client) (then func()) // called before the events are published
		want int                                                                        // how many of the events that were published before the client gets
	}{
		"a client that connects gets none of them": {want: 0, do: func(_ *testing.T, _ *Broker, join func(*beginning) *client) func() {
			return func() { join(nil) }
		}},
		"a client that asks for the last ones gets these": {want: 2, do: func(_ *testing.T, _ *Broker, join func(*beginning) *client) func() {
			return func() { join(&beginning{last: 2}) }
		}},
		"a client that waits for the release gets none of them": {hold: true, want: 0, do: func(_ *testing.T, b *Broker, join func(*beginning) *client) func() {
			join(nil)
			return b.Release
		}},
		"a client whose stream ends gets all": {want: all, do: func(_ *testing.T, b *Broker, join func(*beginning) *client) func() {
			c := join(nil)
			return func() { b.endSoon(c) }
		}},
		"a client that is drained gets all": {want: all, do: func(t *testing.T, b *Broker, join func(*beginning) *client) func() {
			join(nil)
			return func() { b.Drain(t.Context(), 0) }
		}},
		"a client of a broker that is shut down gets all": {want: all, do: func(t *testing.T, b *Broker, join func(*beginning) *client) func() {
			join(nil)
			return func() { b.Shutdown(t.Context()) }
		}},
	} {
		t.Run(what, func(t *testing.T) {
			for range 50 {
				synctest.Test(t, func(t *testing.T) {
					b := NewBroker()
					if test.hold {
						b.Hold()
					}
					out := new(transcript)
					then := test.do(t, b, func(from *beginning) *client {
						c := &client{broker: b, index: gone, out: out, beginning: from}
						out.client = c
						c.outbox.init()
						if !b.join(c, "") {
							t.Fatal("the broker has stopped")
						}
						go c.writeFirst([]byte("\n"))
						return c
					})
					synctest.Wait()
					for id := range int64(all) {
						if err := b.Publish(t.Context(), Event{ID: id + 1}); err != nil {
							t.Fatal(err)
						}
					}
					then()
					shutdown(t, b)
					want := "\n"
					for id := all - test.want; id < all; id++ {
						want += fmt.Sprintf("id: %d\ndata: \n\n", id+1)
					}
					if got := string(out.written); got != want {
						t.Fatalf("the client got %q, want %q", got, want)
					}
				})
			}
		})
	}
}

// A broker that has stopped takes no event, although there is room for some, and no publisher waits for it.
func TestPublishWaitsForNoBrokerThatHasStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBroker()
		shutdown(t, b)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		start := time.Now()
		for range 2 * publishedBuffer {
			if err := b.Publish(ctx, Event{}); err != ErrStopped {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took > 0 {
			t.Errorf("it took %v", took)
		}
	})
}

// An event that Publish has accepted counts, although nobody is there to get it and the broker stops at once.
func TestWhatWasPublishedBeforeTheEndCounts(t *testing.T) {
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			b := NewBroker()
			synctest.Wait()
			for range publishedBuffer {
				if err := b.Publish(t.Context(), Event{}); err != nil {
					t.Fatal(err)
				}
			}
			shutdown(t, b)
			if events := b.Stats().Events; events != publishedBuffer {
				t.Fatalf("%d events count, want %d", events, publishedBuffer)
			}
		})
	}
}
