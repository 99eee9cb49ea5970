package sse

// What a client's writer field says.
const (
	idle    = iota // nobody looks at its slot; the next call gives it to a writer
	writing        // a writer looks at its slot, and writes what it found
	called         // listen has filled its slot since: the writer has to look again
	ended          // listen has closed its slot since: the writer has to look to the end
)

// write serves a list of clients, one offer each in turn, until none has any. A client
// that keeps up costs one write to its socket, and neither a goroutine of its own nor a
// pass through the scheduler.
func write(list *client) {
	w := newTryWriter()
	for list != nil {
		var again *client
		for c := list; c != nil; {
			next := c.next
			if c.takeOffer(w) {
				c.next, again = again, c
			}
			c = next
		}
		list = again
	}
}

// writeRound serves a list of clients in a fan-out, and tells listen when it is the last one.
func (b *Broker) writeRound(list *client) {
	write(list)
	if b.writers.Add(-1) == 0 {
		select {
		case b.written <- struct{}{}:
		default: // listen has not heard of the last time yet.
		}
	}
}

// takeOffer writes what lies in the client's slot, and reports whether there may be more.
func (c *client) takeOffer(w *tryWriter) (more bool) {
	toTheEnd := c.writer.Swap(writing) == ended
	select {
	case stretch, ok := <-c.slot:
		if !ok {
			c.conn.Close()
			return false
		}
		n, err := w.write(c.raw, stretch)
		if err != nil {
			c.conn.Close()
			return false
		}
		if n < len(stretch) {
			go c.writeRest(stretch[n:])
			return false
		}
	default:
	}
	// Behind the last offer a slot is closed, which only another look can tell.
	return toTheEnd || !c.writer.CompareAndSwap(writing, idle)
}

// writeRest writes what a socket had no room for. It blocks until the client has read
// enough or is cut off; then the client is one like all others again.
func (c *client) writeRest(rest []byte) {
	if _, err := c.conn.Write(rest); err != nil {
		c.conn.Close()
		return
	}
	c.next = nil
	write(c)
}
