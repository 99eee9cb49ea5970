package sse

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/kataras/iris/v12"
	iriscontext "github.com/kataras/iris/v12/context"
)

const (
	// minRetry and maxRetry bound the reconnection time that a client is told, in
	// milliseconds. It is spread at random, so that a restart is no stampede.
	minRetry, maxRetry = 1000, 3000

	// headTimeout bounds how long a client may take to read the first bytes of its stream
	// where nothing else ends the write: nobody's stall is noticed before it is registered.
	headTimeout = 10 * time.Second

	// maxInput is how many bytes a client may send after its request. They mean nothing,
	// and are read only because reading is how a disconnect is noticed.
	maxInput = 4 << 10
)

// ServeHTTP serves the event stream (WHATWG HTML, section 9.2); mount it with Any, so that it
// answers every method. A request with a Last-Event-ID header, or without one but with a
// lastEventId parameter in its query, first gets the later events that are retained.
//
// Over HTTP/1 it hijacks the connection and returns at once, while the stream lives on; over
// HTTP/2 it returns when the stream ends. It answers HEAD with the stream's header, OPTIONS as
// a CORS preflight, and other methods with 405. Once the broker has stopped, a stream ends
// where it begins, so that its client reconnects: any status but 200 makes a browser give up
// for good (section 9.2.3). It answers 505 behind Iris's response recorder, which keeps a
// response until its end, and behind a middleware's writer that can neither be hijacked nor
// given a write deadline (for want of an Unwrap method, say).
func (b *Broker) ServeHTTP(ctx iris.Context) {
	w := begin(ctx)
	if w == nil {
		return
	}
	// Each connection registers its own outbox with the broker's registry.
	c := &client{broker: b, outbox: newOutbox()}
	c.lastEventID, c.resumes = lastEventID(ctx.Request())
	// Iris's writer always has Hijack; only net/http's own tells whether that works.
	_, canHijack := w.Naive().(http.Hijacker)
	if hijacker, ok := w.(http.Hijacker); ok && canHijack && ctx.Request().ProtoMajor == 1 {
		b.hijack(hijacker, w.Header(), firstLine(), c)
	} else {
		b.serveInHandler(ctx, w, c)
	}
}

// begin answers a request for which there is no stream, and returns nil. For others it sets
// the stream's header, and returns what to write the stream to.
func begin(ctx iris.Context) iriscontext.ResponseWriter {
	allowReaders(ctx.ResponseWriter().Header())
	switch ctx.Method() {
	case http.MethodGet, http.MethodHead:
	case http.MethodOptions:
		answerPreflight(ctx.ResponseWriter(), ctx.Request())
		return nil
	default:
		ctx.Header("Allow", "GET, HEAD, OPTIONS")
		ctx.StatusCode(iris.StatusMethodNotAllowed)
		return nil
	}
	// A compressor would hold events back, and a recorder all of them.
	w := ctx.ResponseWriter()
	if compressor, ok := w.(*iriscontext.CompressResponseWriter); ok {
		compressor.Disabled = true
		compressor.FlushHeaders()
		w = compressor.ResponseWriter
	}
	_, recording := ctx.IsRecording()
	// Make sure that the writer supports flushing.
	if _, ok := w.Flusher(); !ok || recording {
		unsupported(ctx)
		return nil
	}
	// ctx.ContentType would append a charset, and strict clients refuse anything but this.
	ctx.Header("Content-Type", "text/event-stream")
	ctx.Header("Cache-Control", "no-cache, no-transform") // Cloudflare and others would compress otherwise.
	ctx.Header("X-Accel-Buffering", "no")                 // nginx would wait for a full buffer otherwise.
	if ctx.Method() == http.MethodHead {
		return nil
	}
	return w
}

// firstLine returns the first line of a stream. It goes out at once with the header, so that a
// browser's onopen fires now and not at the first event. No blank line follows it: a block without
// data makes several clients dispatch an empty event.
func firstLine() string {
	return fmt.Sprintf("retry: %d\n", minRetry+rand.IntN(maxRetry-minRetry+1))
}

// lastEventID returns the last event ID that a request names, and whether it is a number:
// anything else can't be this broker's. A number too large for an int64 counts as the largest.
func lastEventID(r *http.Request) (id int64, ok bool) {
	value := r.Header.Get("Last-Event-ID")
	if value == "" && r.URL.RawQuery != "" {
		// A new EventSource can't send the header.
		value = r.URL.Query().Get("lastEventId")
	}
	id, err := strconv.ParseInt(value, 10, 64)
	return id, err == nil || errors.Is(err, strconv.ErrRange)
}

// unsupported answers a request that can't be streamed to.
func unsupported(ctx iris.Context) {
	ctx.StatusCode(iris.StatusHTTPVersionNotSupported)
	ctx.WriteString("Streaming unsupported!")
}
