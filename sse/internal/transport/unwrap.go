package transport

import (
	"fmt"
	"net"
	"net/http"
)

// A wrapper is a middleware's writer that tells what lies below it, for [http.ResponseController].
type wrapper interface{ Unwrap() http.ResponseWriter }

// lowest returns the last writer that can be reached from w, most likely net/http's own.
func lowest(w http.ResponseWriter) http.ResponseWriter {
	for {
		above, ok := w.(wrapper)
		if !ok {
			return w
		}
		w = above.Unwrap()
	}
}

// takeConn takes a request's connection from its writer, or from the first one below that gives it. No writer is
// asked where the lowest one has no method Hijack: gin's would panic then, and gin would take the answer for
// written.
func takeConn(w http.ResponseWriter) (net.Conn, error) {
	if _, ok := lowest(w).(http.Hijacker); !ok {
		return nil, http.ErrNotSupported
	}
	for {
		if hijacker, ok := w.(http.Hijacker); ok {
			if conn, err := takeConnFrom(hijacker); err == nil {
				return conn, nil
			}
		}
		above, ok := w.(wrapper)
		if !ok {
			return nil, http.ErrNotSupported
		}
		w = above.Unwrap()
	}
}

// takeConnFrom is takeConn for one writer.
func takeConnFrom(w http.Hijacker) (conn net.Conn, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a %T panicked: %v", w, p)
		}
	}()
	conn, _, err = w.Hijack()
	return conn, err
}

// Unsupported answers a request that can't be streamed to, and names the writer that is in the way:
// the last that can be reached, most likely a middleware's.
func Unsupported(w http.ResponseWriter) {
	header := w.Header()
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Del("X-Accel-Buffering")
	w.WriteHeader(http.StatusHTTPVersionNotSupported)
	fmt.Fprintf(w, "Streaming unsupported! A %T can neither be hijacked nor flushed and given a write deadline: mount the stream without the middleware that it belongs to.\n", lowest(w))
}
