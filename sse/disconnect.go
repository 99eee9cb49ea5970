package sse

import (
	"errors"
	"syscall"
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

// noticeError takes note of the error with which a client's connection has ended, where that means that the network
// was silent: the kernel has ended the connection because nothing that was sent was acknowledged for too long
// (TCP_USER_TIMEOUT), or a router has said meanwhile that there is no way to the client.
func (c *client) noticeError(err error) {
	for _, silent := range []error{syscall.ETIMEDOUT, syscall.EHOSTUNREACH, syscall.ENETUNREACH} {
		if errors.Is(err, silent) {
			c.notice(bySilence)
		}
	}
}

// hasSentTooMuch tells whether a client has sent more after its request than it may, and takes note of that.
func (c *client) hasSentTooMuch() bool {
	if c.socket.received <= maxInput {
		return false
	}
	c.notice(byInput)
	return true
}

// fail cuts off a client to which a write has failed. It is called by the client's writer.
func (c *client) fail(err error) {
	c.noticeError(err)
	c.out.cutOff()
}
