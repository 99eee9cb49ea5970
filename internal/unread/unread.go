// Package unread sees to it that an answer arrives although the body of its request was not read.
//
// Whoever closes a connection with unread input resets it, and a reset destroys an answer
// that the client has not read yet: proxies answer 502 then. So the rest of a body is read and
// thrown away once the answer is out (RFC 9112, section 9.6; RFC 9113, section 8.1, for HTTP/2).
package unread

import (
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// maxRest and maxWait bound what is thrown away of a body, in bytes and in time.
const (
	maxRest = 1 << 20
	maxWait = time.Second
)

// Handler returns a handler that serves requests with next as [Serve] does.
func Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if hasRest(r) {
			serveWithBody(w, r, next)
		} else {
			next.ServeHTTP(w, r) // without a frame of serveWithBody: a stream's goroutine has little stack to spare
		}
	})
}

// Serve has next answer a request. Where next has left a part of the request's body unread, Serve
// sends the whole answer, and only then reads that part and throws it away: at most 1 MiB, and for at
// most a second. Over HTTP/1 such an answer also says that the connection ends, so that a client
// which has much more to send stops.
func Serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	Handler(next).ServeHTTP(w, r)
}

// hasRest tells whether a request has a body of which next may leave something unread, and which no outer Serve
// takes care of already.
func hasRest(r *http.Request) bool {
	_, served := r.Body.(*body)
	return !served && r.ContentLength != 0 && r.Body != nil
}

// serveWithBody is Serve for a request with a body.
func serveWithBody(w http.ResponseWriter, r *http.Request, next http.Handler) {
	tracked := *r // A copy, so that r keeps net/http's own body: net/http treats that type in its own way.
	rest := &body{ReadCloser: r.Body}
	tracked.Body = rest
	a := &answer{ResponseWriter: w}
	next.ServeHTTP(a, &tracked)
	if a.hijacked {
		return
	}
	if rest.ended.Load() {
		a.commit()
		return
	}
	a.finish(r)
	controller := http.NewResponseController(w)
	// Without a deadline only the server's timeouts would end the reading.
	if controller.Flush() == nil && controller.SetReadDeadline(time.Now().Add(maxWait)) == nil {
		io.CopyN(io.Discard, rest, maxRest)
	}
}

// A body is a request's body that remembers whether there is more to read.
type body struct {
	io.ReadCloser
	ended atomic.Bool // A handler may have left a goroutine reading.
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		b.ended.Store(true)
	}
	return n, err
}

// Close does nothing: a handler need not close a body, and what one does not want to read
// is still to be thrown away.
func (b *body) Close() error { return nil }
