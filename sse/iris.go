package sse

import (
	"bufio"
	"net"
	"net/http"

	"example.com/sse/sse/internal/transport"

	"github.com/kataras/iris/v12"
	iriscontext "github.com/kataras/iris/v12/context"
)

// ServeHTTP is [Broker.Serve], with the zero [Stream], for an Iris app: mount it with Any, so
// that it answers every method. It is not [http.Handler]'s method of that name: see [Broker.Handler].
func (b *Broker) ServeHTTP(ctx iris.Context) { b.serveIris(ctx, &asRequested) }

// ServeIris is [Broker.Serve] for an Iris app. Iris's compression is switched off for the stream. Behind
// Iris's response recorder, which keeps a response until its end, the answer is 505.
func (b *Broker) ServeIris(ctx iris.Context, s Stream) { b.serveIris(ctx, &s) }

func (b *Broker) serveIris(ctx iris.Context, s *Stream) {
	if recorder, ok := ctx.IsRecording(); ok && ctx.Method() == http.MethodGet {
		allowReaders(recorder.Header())
		transport.Unsupported(recorder)
		return
	}
	b.serve(uncompressed(ctx), ctx.Request(), s)
}

// PublishHandler returns a handler for Iris that does what the Publisher does. Mount it for POST and,
// if pages of other origins are to publish, for OPTIONS.
//
// Behind Iris's response recorder, which keeps an answer until the last handler has returned, a refusal
// can't be sent before the rest of the request's body is read. So that rest is not read there.
func PublishHandler(p Publisher) iris.Handler {
	return func(ctx iris.Context) {
		p.ServeHTTP(uncompressed(ctx), ctx.Request())
	}
}

// uncompressed returns the writer of a request without Iris's compressor, which would hold events back, and would write the
// end of an answer only after the handler has returned: a [Publisher] sends some answers before.
func uncompressed(ctx iris.Context) *irisWriter {
	w := ctx.ResponseWriter()
	if compressor, ok := w.(*iriscontext.CompressResponseWriter); ok {
		compressor.Disabled = true
		compressor.FlushHeaders() // sends nothing: it removes the compressor's fields from the header
		w = compressor.ResponseWriter
	}
	return &irisWriter{w}
}

// An irisWriter is Iris's writer with what http.ResponseController looks for. (Writing to what lies
// below alone would make Iris write a second header.)
type irisWriter struct{ iriscontext.ResponseWriter }

// Unwrap returns the writer below Iris's, which can be given deadlines.
func (w *irisWriter) Unwrap() http.ResponseWriter { return w.Naive() }

// FlushError flushes the writer below Iris's, since Iris's own method returns no error. It flushes no recorder, which
// would lose what it has recorded.
func (w *irisWriter) FlushError() error {
	if _, recording := w.ResponseWriter.(*iriscontext.ResponseRecorder); recording {
		return http.ErrNotSupported
	}
	w.FlushResponse() // writes the status, if nothing has
	return http.NewResponseController(w.Naive()).Flush()
}

// Hijack takes the connection from the writer below Iris's, and tells Iris that no header is to be written.
func (w *irisWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(w.Naive()).Hijack()
	if err == nil {
		w.SetWritten(iriscontext.StatusCodeWritten)
	}
	return conn, buffered, err
}
