package sse

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sse/internal/testkit"
)

// A pipeListener makes connections without sockets, which a synctest bubble can follow.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// pipeReadTimeout is the read timeout of the server on a pipeListener. No stream ends by it.
const pipeReadTimeout = time.Second

// newPipeServer serves a broker on a pipeListener, over HTTP/1 and HTTP/2, until the test ends.
func newPipeServer(t *testing.T) (*Broker, *pipeListener) {
	b, app := newApp(t)
	return b, newPipeServerOf(t, app)
}

// newPipeServerOf is newPipeServer for any handler.
func newPipeServerOf(t *testing.T, handler http.Handler) *pipeListener {
	l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: handler, ReadTimeout: pipeReadTimeout, Protocols: new(http.Protocols)}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	return l
}

// newClient returns a client with a connection of its own, whose stream ends with the connection.
func newClient(b *Broker, conn net.Conn) *client {
	c := &client{broker: b, index: gone}
	c.outbox.init()
	c.socket = b.watcher.NewSocket(conn, c)
	c.out = c.socket
	return c
}

// request connects and asks for the stream.
func request(l *pipeListener, header string) net.Conn {
	ours, theirs := net.Pipe()
	l.conns <- theirs
	fmt.Fprintf(ours, "GET /events HTTP/1.1\r\nHost: test\r\n%s\r\n", header)
	return ours
}

// inBubble runs a test in a bubble where time passes when nobody can go on, with a broker
// and a function that connects to it.
func inBubble(t *testing.T, test func(t *testing.T, b *Broker, connect func(header string) (net.Conn, stream))) {
	synctest.Test(t, func(t *testing.T) {
		b, l := newPipeServer(t)
		test(t, b, func(header string) (net.Conn, stream) {
			conn := request(l, header)
			s := readResponse(t, conn)
			line, err := s.Line()
			if err != nil {
				t.Fatal(line, err)
			}
			synctest.Wait()
			return conn, s
		})
	})
}

// http2Window is how many bytes may be on their way to a client of newPipeClient.
const http2Window = 64 << 10

// newPipeClient returns a client with a connection of its own, over HTTP/2. A stream that it does not
// read blocks its writer after http2Window.
func newPipeClient(t *testing.T, l *pipeListener) *http.Client {
	transport := &http.Transport{
		Protocols: new(http.Protocols),
		HTTP2:     &http.HTTP2Config{MaxReceiveBufferPerStream: http2Window, MaxReceiveBufferPerConnection: http2Window},
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			l.conns <- theirs
			return ours, nil
		},
	}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	return testkit.StreamClient(transport)
}
