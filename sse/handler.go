package sse

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"example.com/sse/internal/heard"
)

// openTimeout bounds how long a client without a hijacked connection, over HTTP/2 say, may take to read the first
// bytes of its stream. It takes the place of the server's write timeout, which would end the stream later on.
const openTimeout = 10 * time.Second

// pingLost tells two ends of a connection over HTTP/2 apart: where the client was not heard of for longer than this,
// the connection has ended for want of an answer to a ping, and otherwise the client has ended it. It is less than
// the 15 s for which package server waits for the answer, and far longer than a client's own end takes to arrive.
const pingLost = 10 * time.Second

// A handler is the transport of a client whose connection can't be hijacked, as over HTTP/2. The request's handler
// returns only when the stream ends, but does not write: the broker's writers do. To wake each client's handler for
// each event would take 8 % more CPU.
type handler struct {
	w       http.ResponseWriter
	control *http.ResponseController // of w

	mu  sync.Mutex // protects cut
	cut bool       // unblock was called: open must not lift the deadlines that end what blocks

	// ended has capacity 1: why the stream has ended. That is nil after a clean end, errCut, or
	// what a middleware's writer panicked with.
	ended chan any
}

// errCut says that a stream was cut off.
var errCut = errors.New("sse: the stream was cut off")

// newHandler returns the transport of a client, or an error where a write to the client can't be flushed, or
// can't be ended.
func newHandler(w http.ResponseWriter, c *client) (*handler, error) {
	h := &handler{w: w, control: http.NewResponseController(w), ended: make(chan any, 1)}
	if !canFlush(w) {
		return nil, http.ErrNotSupported
	}
	// A write can be blocked by a client that does not read; only a deadline ends it.
	if err := h.control.SetWriteDeadline(time.Now().Add(openTimeout)); err != nil {
		return nil, err
	}
	c.out = h
	return h, nil
}

// canFlush tells whether http.ResponseController finds a writer that can be flushed.
func canFlush(w http.ResponseWriter) bool {
	switch w := w.(type) {
	case http.Flusher, interface{ FlushError() error }:
		return true
	case interface{ Unwrap() http.ResponseWriter }:
		return canFlush(w.Unwrap())
	}
	return false
}

// serve streams to a registered client until the stream ends.
//
// The handlers' stacks are much of what a client over HTTP/2 costs. What needs a deep stack is
// done elsewhere, so that theirs stay at 4 KiB: that is why the first writer is a goroutine of its own.
func (h *handler) serve(r *http.Request, c *client, first []byte) {
	go c.writeFirst(first)
	why := h.wait(r, c)
	c.broker.leave(c)
	if why == errCut {
		h.unblock()
	}
	c.users.Wait() // net/http gives h.w to another request once this one's handler has returned.
	if why != nil && why != errCut {
		panic(why) // For net/http to recover.
	}
}

// wait waits until the stream has ended, and returns why.
func (h *handler) wait(r *http.Request, c *client) any {
	tooMuch, done := tooMuchInput(r), r.Context().Done()
	for {
		select {
		case why := <-h.ended:
			return why
		case <-tooMuch:
			c.notice(byInput)
			return errCut
		case <-done:
			if r.Context().Err() != context.DeadlineExceeded {
				if heard.Silence(r.Context()) > pingLost {
					c.notice(bySilence)
				}
				return errCut // The client has disconnected.
			}
			// A middleware limits the request's time: the stream ends cleanly, and is not cut off.
			c.broker.endSoon(c)
			done = nil
		}
	}
}

func (h *handler) open(part []byte) error {
	err := h.writeAndFlush(part)
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.cut {
		h.control.SetWriteDeadline(time.Time{})
		// Otherwise the server's read timeout would wake each client's connection once, and end the reading of its input.
		h.control.SetReadDeadline(time.Time{})
	}
	return err
}

// unblock ends a write that blocks and, over HTTP/2, resets the stream. Over HTTP/1 net/http may be waiting
// for the rest of the request before it writes the header.
func (h *handler) unblock() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cut = true
	h.control.SetWriteDeadline(time.Unix(1, 0))
	h.control.SetReadDeadline(time.Unix(1, 0))
}

func (h *handler) write(part []byte, _ *frame) error { return h.writeAndFlush(part) }

// writeAndFlush writes to the client. A middleware's writer may panic: that ends this stream, and not the process.
func (h *handler) writeAndFlush(b []byte) (err error) {
	defer func() {
		if p := recover(); p != nil {
			h.endWith(p)
			err = errCut
		}
	}()
	if _, err := h.w.Write(b); err != nil {
		return err
	}
	return h.control.Flush()
}

func (h *handler) end() { h.endWith(nil) }

func (h *handler) cutOff() { h.endWith(errCut) }

// endWith has the handler return for a reason, unless there was one before.
func (h *handler) endWith(why any) {
	select {
	case h.ended <- why:
	default:
	}
}

// tooMuchInput reads what a client sends after its request, and returns a channel that is closed
// when that is more than maxInput; nil for a request without a body. The input means nothing, but over HTTP/2
// takes room from the connection's other requests until it is read.
func tooMuchInput(r *http.Request) <-chan struct{} {
	if r.ContentLength == 0 {
		return nil
	}
	tooMuch := make(chan struct{})
	go func() {
		if n, _ := io.CopyN(io.Discard, r.Body, maxInput+1); n > maxInput {
			close(tooMuch)
		}
	}()
	return tooMuch
}
