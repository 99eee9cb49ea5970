//go:build !386

package sse

import (
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

func TestWriterThatIsAboutToEndLooksAgain(t *testing.T) {
	reading, writing := testkit.TCP(t)
	go io.Copy(io.Discard, reading)
	b := NewBroker()
	defer shutdown(t, b)
	c := newClient(b, writing)
	c.outbox.state.Store(idle)
	w := newWriters() // The test is their listen.
	forgotten := time.NewTimer(testkit.Limit)
	for range 200_000 {
		forgotten.Reset(testkit.Limit)
		for range rand.IntN(3000) { // Until the writer looks into the empty outbox, more or less.
		}
		select {
		case c.outbox.batch <- batch{bytes: payload}:
			if c.outbox.state.Swap(dirty) == idle {
				w.add(c, &w.lanes[few])
			}
			w.start()
		case <-forgotten.C:
			t.Fatal("a batch is pending, and no writer comes")
		}
	}
}
