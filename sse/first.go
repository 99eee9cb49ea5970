package sse

import (
	"bytes"
	"math/rand/v2"
	"strconv"
)

// minRetry and maxRetry bound the reconnection time that a client is told, in
// milliseconds. It is spread at random, so that a restart is no stampede.
const minRetry, maxRetry = 1000, 3000

// maxWithHead is how much of what a client has missed goes out with the header, in bytes: a copy of that is
// cheaper than a second write, which takes 20 of a reconnect's 110 µs.
const maxWithHead = 4 << 10

// writeFirst writes the header of the client's stream, and what is pending for the client, as the client's first
// writer. first, the beginning of the stream, is this client's alone.
func (c *client) writeFirst(first []byte) {
	part := first[:min(len(first), maxPart)]
	if rest := first[len(part):]; len(rest) > 0 {
		c.writing.bytes = rest
	} else if c.writing, _ = c.outbox.next(); !c.writing.isEmpty() { // writeAlone asks again whether the outbox is closed.
		// The part is empty where only the client's turn at the archive is pending: writeAlone hands the client over.
		part = append(part, c.writing.part(maxWithHead)...)
	}
	if err := c.out.Open(part); err != nil {
		c.fail(err)
		c.users.Done()
		return
	}
	c.broker.stats.bytesSent.Add(int64(len(part)))
	c.writeAlone(nil)
}

// retryLine returns a line that tells a client its reconnection time. No blank line follows it: a block
// without data makes several clients dispatch an empty event.
func retryLine() []byte {
	line := strconv.AppendInt([]byte("retry: "), minRetry+rand.Int64N(maxRetry-minRetry+1), 10)
	return append(line, '\n')
}

// firstPart returns the beginning of a stream. The beginning goes out at once with the header, so that a
// browser's onopen fires now and not at the first event.
func (b *Broker) firstPart(c *client, events []Event) []byte {
	first := retryLine()
	if c.showHeartbeats {
		first = append(first, b.heartbeat(c)...)
	}
	for _, e := range events {
		encoded := e.appendTo(nil)
		first = append(first, encoded[bytes.IndexByte(encoded, '\n')+1:]...) // without the line of its ID
	}
	return first
}
