package sse

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/kataras/golog"
	"github.com/kataras/iris/v12"
	iriscontext "github.com/kataras/iris/v12/context"
)

const (
	// minRetry and maxRetry bound the reconnection time that a client is told, in
	// milliseconds. It is spread at random, so that a restart is no stampede.
	minRetry, maxRetry = 1000, 3000

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
// for good (section 9.2.3). Behind Iris's response recorder, which keeps a response until its
// end, it answers 505.
func (b *Broker) ServeHTTP(ctx iris.Context) {
	header := ctx.ResponseWriter().Header()
	if header.Get("Access-Control-Allow-Origin") == "" {
		ctx.Header("Access-Control-Allow-Origin", "*")
	}
	switch ctx.Method() {
	case http.MethodGet, http.MethodHead:
	case http.MethodOptions:
		ctx.Header("Access-Control-Allow-Methods", "GET")
		ctx.Header("Access-Control-Allow-Headers", "Last-Event-ID, Cache-Control")
		ctx.StatusCode(iris.StatusNoContent)
		return
	default:
		ctx.Header("Allow", "GET, HEAD, OPTIONS")
		ctx.StatusCode(iris.StatusMethodNotAllowed)
		return
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
	flusher, ok := w.Flusher()
	if !ok || recording {
		ctx.StatusCode(iris.StatusHTTPVersionNotSupported)
		ctx.WriteString("Streaming unsupported!")
		return
	}
	// ctx.ContentType would append a charset, and strict clients refuse anything but this.
	ctx.Header("Content-Type", "text/event-stream")
	ctx.Header("Cache-Control", "no-cache")
	ctx.Header("X-Accel-Buffering", "no") // nginx would wait for a full buffer otherwise
	if ctx.Method() == http.MethodHead {
		return
	}
	// Each connection registers its own outbox with the broker's registry.
	c := &client{outbox: newOutbox()}
	c.lastEventID, c.resumes = lastEventID(ctx.Request())
	// The first line of body goes out at once with the header, so that a browser's onopen
	// fires now and not at the first event. No blank line follows it: a block without data
	// makes several clients dispatch an empty event.
	retry := fmt.Sprintf("retry: %d\n", minRetry+rand.IntN(maxRetry-minRetry+1))
	// Iris's writer always has Hijack; only net/http's own tells whether that works.
	_, canHijack := w.Naive().(http.Hijacker)
	if hijacker, ok := w.(http.Hijacker); ok && canHijack && ctx.Request().ProtoMajor == 1 {
		b.hijack(hijacker, header, retry, c)
	} else {
		b.serveInHandler(ctx, flusher, retry, c)
	}
}

// lastEventID returns the last event ID that a request names, and whether it is a number:
// anything else can't be ours. A number too large for an int64 counts as the largest.
func lastEventID(r *http.Request) (id int64, ok bool) {
	ids := r.Header.Values("Last-Event-ID")
	if len(ids) == 0 {
		// A new EventSource can't send the header.
		ids = r.URL.Query()["lastEventId"]
	}
	if len(ids) == 0 {
		return 0, false
	}
	id, err := strconv.ParseInt(ids[0], 10, 64)
	return id, err == nil || errors.Is(err, strconv.ErrRange)
}

// hijack takes a connection from net/http, whose goroutines and buffers, 20 KB a client, end
// with the handler. A body that ends with its connection needs no chunks.
func (b *Broker) hijack(hijacker http.Hijacker, header http.Header, retry string, c *client) {
	conn, _, err := hijacker.Hijack()
	if err != nil {
		golog.Errorf("hijacking the connection: %v", err)
		return
	}
	header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	header.Set("Connection", "close")
	var head bytes.Buffer
	head.WriteString("HTTP/1.1 200 OK\r\n")
	header.Write(&head)
	head.WriteString("\r\n" + retry)
	if _, err := conn.Write(head.Bytes()); err != nil {
		conn.Close()
		return
	}
	c.conn, c.raw = conn, rawConnOf(conn)
	if !b.join(c) {
		conn.Close()
		return
	}
	go b.waitForEnd(c)
}

// waitForEnd waits until a hijacked connection ends: its client disconnected, was cut off, or
// its stream ended.
func (b *Broker) waitForEnd(c *client) {
	buf := make([]byte, 64)
	for received := 0; received <= maxInput; {
		n, err := c.conn.Read(buf)
		if err != nil {
			break
		}
		received += n
	}
	c.conn.Close()
	b.leave(c)
}

// serveInHandler streams to a client whose connection can't be hijacked, as over HTTP/2: the
// handler stays, and is the client's writer.
func (b *Broker) serveInHandler(ctx iris.Context, flusher http.Flusher, retry string, c *client) {
	stream, cancel := context.WithCancel(ctx.Request().Context())
	defer cancel()
	// A write can be blocked by a client that does not read; only a deadline ends it.
	deadline := make(chan struct{})
	stop := context.AfterFunc(stream, func() {
		http.NewResponseController(ctx.ResponseWriter().Naive()).SetWriteDeadline(time.Unix(1, 0))
		close(deadline)
	})
	// The goroutine that sets the deadline uses the writer, which is another request's once
	// this handler has returned.
	defer func() {
		if !stop() {
			<-deadline
		}
	}()
	c.cancel = cancel
	c.outbox.state.Store(dirty) // Its writer is always there, and waits for the next batch.
	ctx.WriteString(retry)
	flusher.Flush()
	// A server's write timeout ends that flush where a client has no window for it, but is
	// not for a stream. One that has ended is not registered.
	http.NewResponseController(ctx.ResponseWriter().Naive()).SetWriteDeadline(time.Time{})
	if stream.Err() != nil || !b.join(c) {
		return
	}
	defer b.leave(c)
	if body := ctx.Request().Body; body != http.NoBody {
		// It means nothing, but takes room from the connection's other requests until it
		// is read.
		go func() {
			if n, _ := io.CopyN(io.Discard, body, maxInput+1); n > maxInput {
				cancel()
			}
		}()
	}
	for {
		select {
		case batch, ok := <-c.outbox.batch:
			if !ok {
				return
			}
			if _, err := ctx.Write(batch); err != nil {
				return
			}
			flusher.Flush()
		case <-stream.Done():
			return
		}
	}
}
