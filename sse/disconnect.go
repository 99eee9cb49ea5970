package sse

import (
	"errors"

	"example.com/sse/sse/internal/transport"
)

// A reason is why a client is not registered any more, as [Disconnects] has it.
type reason = int32

const (
	byClient reason = iota // also where no other reason was noticed
	bySlowness
	bySilence
	byEnd
	byInput
	reasons // how many there are
)

// reason returns why a client is unregistered. It is called by listen alone.
func (c *client) reason() reason {
	noticed := c.noticed.Load()
	if c.finished && noticed == byClient {
		return byEnd
	}
	return noticed
}

// notice takes note of a reason for which a client's connection has ended, or will, unless one was noticed before.
func (c *client) notice(r reason) { c.noticed.CompareAndSwap(byClient, r) }

// noticeError takes note of the error with which a write to a client has failed, or its connection has ended, where that
// tells more than that the client has left.
func (c *client) noticeError(err error) {
	switch {
	case transport.IsSilence(err):
		c.notice(bySilence)
	case errors.Is(err, transport.ErrTooMuchInput):
		c.notice(byInput)
	}
}

// fail cuts off a client to which a write has failed. It is called by the client's writer.
func (c *client) fail(err error) {
	c.noticeError(err)
	c.out.CutOff()
}
