package transport

import (
	"context"
	"fmt"
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

// A Handler is the transport of a client whose connection can't be hijacked, as over HTTP/2. The request's handler
// returns only when the stream ends, but does not write: the owner's goroutines do. To wake each client's handler for
// each event would take 8 % more CPU.
type Handler struct {
	w       http.ResponseWriter
	control *http.ResponseController // of w

	mu  sync.Mutex // protects cut
	cut bool       // unblock was called: Open must not lift the deadlines that end what blocks

	// ended has capacity 1: why the stream has ended. That is nil after a clean end, errCutOff, or a panicked.
	ended chan error
}

// A panicked is why a stream has ended whose middleware's writer has panicked.
type panicked struct{ value any }

func (p panicked) Error() string { return fmt.Sprintf("a writer panicked: %v", p.value) }

// NewHandler returns the transport of a request, or an error where a write to the client can't be flushed, or
// can't be ended.
func NewHandler(w http.ResponseWriter) (*Handler, error) {
	h := &Handler{w: w, control: http.NewResponseController(w), ended: make(chan error, 1)}
	if !canFlush(w) {
		return nil, http.ErrNotSupported
	}
	// A write can be blocked by a client that does not read; only a deadline ends it.
	if err := h.control.SetWriteDeadline(time.Now().Add(openTimeout)); err != nil {
		return nil, err
	}
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

// Wait waits until the stream has ended, and returns why: nil after a clean end, ErrTooMuchInput, an error of which
// [IsSilence] is true, or another where the client has left or was cut off. Where a middleware has set a deadline to the
// request's context, Wait calls expired when it has passed, and waits until the stream, which expired is to end, has
// ended. Wait is called once, in the request's goroutine.
func (h *Handler) Wait(r *http.Request, expired func()) (why error) {
	tooMuch, done := tooMuchInput(r), r.Context().Done()
	for {
		select {
		case why := <-h.ended:
			return why
		case <-tooMuch:
			return ErrTooMuchInput
		case <-done:
			if r.Context().Err() != context.DeadlineExceeded {
				if heard.Silence(r.Context()) > pingLost {
					return errSilent
				}
				return errCutOff // The client has left.
			}
			expired()
			done = nil
		}
	}
}

// Finish is called after Wait, with the reason that Wait has returned. It ends a write that blocks, unless the stream has
// ended cleanly or by a panic. It calls awaitWriters, which returns once nobody writes any more: net/http gives the
// writer to another request once this one's handler has returned. Where a middleware's writer has panicked Finish panics,
// for net/http to recover.
func (h *Handler) Finish(why error, awaitWriters func()) {
	p, hasPanicked := why.(panicked)
	if why != nil && !hasPanicked {
		h.unblock()
	}
	awaitWriters()
	if hasPanicked {
		panic(p.value)
	}
}

// Open is [Transport]'s.
func (h *Handler) Open(part []byte) error {
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

// unblock ends a write that blocks and, over HTTP/2, resets the stream. It ends a read, too, since over HTTP/1 the
// write may be waiting for one: net/http reads the rest of the request before it writes the header.
func (h *Handler) unblock() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cut = true
	h.control.SetWriteDeadline(time.Unix(1, 0))
	h.control.SetReadDeadline(time.Unix(1, 0))
}

// Write is [Transport]'s.
func (h *Handler) Write(part []byte, _ *Frame) error { return h.writeAndFlush(part) }

// writeAndFlush writes to the client. A middleware's writer may panic: that ends this stream, and not the process.
func (h *Handler) writeAndFlush(b []byte) (err error) {
	defer func() {
		if p := recover(); p != nil {
			h.endWith(panicked{p})
			err = errCutOff
		}
	}()
	if _, err := h.w.Write(b); err != nil {
		return err
	}
	return h.control.Flush()
}

// End is [Transport]'s.
func (h *Handler) End() { h.endWith(nil) }

// CutOff is [Transport]'s. The write that blocks is ended by Finish.
func (h *Handler) CutOff() { h.endWith(errCutOff) }

// endWith has Wait return why the stream has ended, unless it had ended before.
func (h *Handler) endWith(why error) {
	select {
	case h.ended <- why:
	default:
	}
}

// tooMuchInput reads what a client sends after its request, and returns a channel that is closed
// when that is more than MaxInput; nil for a request without a body. The input means nothing, but over HTTP/2
// takes room from the connection's other requests until it is read.
func tooMuchInput(r *http.Request) <-chan struct{} {
	if r.ContentLength == 0 {
		return nil
	}
	tooMuch := make(chan struct{})
	go func() {
		if n, _ := io.CopyN(io.Discard, r.Body, MaxInput+1); n > MaxInput {
			close(tooMuch)
		}
	}()
	return tooMuch
}
