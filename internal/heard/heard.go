// Package heard tells when the peer of a connection was last heard of. net/http tells a handler over HTTP/2 that its
// connection has ended, but not why. Where the peer was not heard of for a while, the connection
// has ended because no ping was answered.
package heard

import (
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"time"
)

// A Listener accepts connections that take note of when their peers were last heard of.
type Listener struct{ net.Listener }

// Accept waits for the next connection.
func (l Listener) Accept() (net.Conn, error) {
	inner, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: inner}
	c.last.Store(time.Now().UnixNano())
	return c, nil
}

type conn struct {
	net.Conn
	last atomic.Int64 // when the peer was last heard of, in nanoseconds since 1970
}

// Read reads, and takes note of the time when bytes, or an end of the connection, came from the peer. An end that this
// side has made has another error.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
		c.last.Store(time.Now().UnixNano())
	}
	return n, err
}

// NetConn returns the connection below.
func (c *conn) NetConn() net.Conn { return c.Conn }

type key struct{}

// With returns a context by which [Silence] finds a connection that lies directly below TLS and comes from a [Listener].
func With(ctx context.Context, encrypted interface{ NetConn() net.Conn }) context.Context {
	if c, ok := encrypted.NetConn().(*conn); ok {
		return context.WithValue(ctx, key{}, c)
	}
	return ctx
}

// Silence returns how long ago the peer of a context's connection was last heard of; 0 where there is none.
func Silence(ctx context.Context) time.Duration {
	c, ok := ctx.Value(key{}).(*conn)
	if !ok {
		return 0
	}
	return time.Since(time.Unix(0, c.last.Load()))
}
