package sse

import (
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/kataras/iris/v12"
	iriscontext "github.com/kataras/iris/v12/context"
)

// A handler serves a client whose connection can't be hijacked, as over HTTP/2. It stays until the
// stream ends, but the broker's writers write: to wake each client's handler for each event would
// take 8 % more CPU.
type handler struct {
	w       http.ResponseWriter
	control *http.ResponseController // of w

	ended chan any       // capacity 1: the stream has ended, or a writer panicked with the value
	users sync.WaitGroup // those who use the writer, which is another request's once the handler has returned
}

// serveInHandler streams to a client whose connection can't be hijacked. When the client
// disconnects, the request's context ends.
//
// The handlers' stacks are much of what a client over HTTP/2 costs. What takes a deep one is
// done elsewhere, so that they stay at 4 KiB.
func (b *Broker) serveInHandler(ctx iris.Context, writer iriscontext.ResponseWriter, c *client) {
	h := &handler{w: writer.Naive(), ended: make(chan any, 1)}
	h.control = http.NewResponseController(h.w)
	// A write can be blocked by a client that does not read; only a deadline ends it.
	if h.control.SetWriteDeadline(time.Now().Add(headTimeout)) != nil {
		unsupported(ctx) // A middleware's writer without Unwrap: its client could not be cut off.
		return
	}
	c.handler = h
	c.outbox.state.Store(dirty) // Its first writer is begin.
	if !b.join(c) {
		h.writeHead(ctx)
		return
	}
	h.users.Go(func() { h.begin(ctx, c) })
	tooMuch := tooMuchInput(ctx.Request())
	var panicked any
	select {
	case panicked = <-h.ended:
		b.leave(c)
	case <-ctx.Request().Context().Done():
		h.giveUp(c)
	case <-tooMuch:
		h.giveUp(c)
	}
	h.users.Wait()
	if panicked != nil {
		panic(panicked) // For net/http to recover.
	}
}

// begin writes a stream's head, and then what is pending, as the client's first writer.
func (h *handler) begin(ctx iris.Context, c *client) {
	defer h.endAfterPanic()
	h.writeHead(ctx)
	// Where the client was cut off before this, its outbox is closed and empty.
	h.control.SetWriteDeadline(time.Time{})
	// Its timer would wake each client's connection once, and late input would not be read.
	h.control.SetReadDeadline(time.Time{})
	for c.writeBatchBlocking() {
	}
}

// writeHead writes a stream's header and first line: through Iris, which would send a header of
// its own at the end otherwise.
func (h *handler) writeHead(ctx iris.Context) {
	ctx.WriteString(firstLine())
	h.control.Flush()
}

// giveUp ends a stream whose client may still have a writer.
func (h *handler) giveUp(c *client) {
	c.broker.leave(c)
	// No writer begins any more.
	if c.outbox.state.Load() != idle {
		h.cutOff()
	}
}

// cutOff ends a write that blocks. It does not wait.
func (h *handler) cutOff() {
	h.users.Go(func() { h.control.SetWriteDeadline(time.Unix(1, 0)) })
}

// end has the handler return, or panic with a value that is not nil.
func (h *handler) end(panicked any) {
	select {
	case h.ended <- panicked:
	default: // It was told before.
	}
}

// endAfterPanic is deferred by whoever writes: what is a middleware's may panic, and shall end its
// stream alone.
func (h *handler) endAfterPanic() {
	if p := recover(); p != nil {
		h.end(p)
	}
}

// write writes and flushes a batch, and reports whether the stream goes on.
func (h *handler) write(batch []byte) (ok bool) {
	defer h.endAfterPanic()
	if _, err := h.w.Write(batch); err != nil {
		return false
	}
	return h.control.Flush() == nil
}

// tooMuchInput reads what a client sends after its request, and returns a channel that is closed
// when that is more than maxInput; nil for a request without a body. What comes means nothing,
// but takes room from the connection's other requests until it is read.
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
