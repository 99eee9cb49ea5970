package sse

import (
	"bytes"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/kataras/golog"
)

// sendBuffer bounds, in bytes, what the kernel keeps for a client that does not read. Linux
// takes twice as much for its own bookkeeping, and would let it grow to 4 MiB otherwise.
const sendBuffer = 128 << 10

// A socket is a hijacked connection. Whoever waits for its end closes it, and nobody else:
// the others shut it down. A closed descriptor leaves no event behind, so its client would
// stay registered until the next write.
type socket struct {
	conn net.Conn     // TCP, or TLS over it
	tcp  *net.TCPConn // what lies below conn; nil where that is no TCP, as in tests
	raw  rawConn      // of tcp; nil where neither writes that do not block nor epoll are to be had

	ended atomic.Bool // it was shut down after all that was written

	room int // how much may be written through TLS before a look at the socket; its client's writer's
}

// init makes the socket one for a connection.
func (s *socket) init(conn net.Conn) {
	s.conn = conn
	below := conn
	if t, ok := conn.(interface{ NetConn() net.Conn }); ok {
		below = t.NetConn()
	}
	if tcp, ok := below.(*net.TCPConn); ok {
		s.tcp = tcp
		s.raw = rawConnOf(tcp)
		tcp.SetWriteBuffer(sendBuffer)
	}
}

// encrypted tells whether something lies between conn and tcp.
func (s *socket) encrypted() bool { return s.conn != net.Conn(s.tcp) }

// cutOff ends the connection at once, and with it a write that blocks. What the kernel still
// keeps for the client is thrown away. It does not wait.
func (s *socket) cutOff() error {
	switch {
	case s.tcp == nil:
		return s.conn.SetDeadline(time.Unix(1, 0))
	case s.ended.Load():
		return nil // Its client may still be reading the last of it.
	}
	s.tcp.SetLinger(0)
	return s.shutDown()
}

// shutDown ends both directions. Where epoll does not watch the socket, closing it is how its
// reader hears of that. The error is net.ErrClosed where the socket was closed before.
func (s *socket) shutDown() error {
	if s.raw == nil {
		s.close()
		return nil
	}
	s.tcp.CloseRead()
	return s.tcp.CloseWrite()
}

// close closes what lies below TLS: a record that was cut is not followed by another one.
func (s *socket) close() {
	if s.tcp != nil {
		s.tcp.Close()
	} else {
		s.conn.Close()
	}
}

// hijack takes a connection from net/http, whose goroutines and buffers, 20 KB a client, end
// with the handler. A body that ends with its connection needs no chunks.
func (b *Broker) hijack(hijacker http.Hijacker, header http.Header, retry string, c *client) {
	conn, _, err := hijacker.Hijack()
	if err != nil {
		golog.Errorf("hijacking the connection: %v", err)
		return
	}
	c.socket.init(conn)
	header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	header.Set("Connection", "close")
	head := bytes.NewBuffer(make([]byte, 0, 512))
	head.WriteString("HTTP/1.1 200 OK\r\n")
	header.Write(head)
	head.WriteString("\r\n" + retry)
	// The client's first writer writes it, together with what the client has missed.
	c.head = head.Bytes()
	if !b.join(c) {
		conn.SetWriteDeadline(time.Now().Add(headTimeout))
		conn.Write(c.head)
		conn.Close()
		return
	}
	if !b.watch(c) {
		go b.waitForEnd(c)
	}
}

// waitForEnd waits until a hijacked connection ends that is not watched: its client
// disconnected, was cut off, or its stream ended.
func (b *Broker) waitForEnd(c *client) {
	buf := make([]byte, 64)
	for c.received <= maxInput {
		n, err := c.socket.conn.Read(buf)
		if err != nil {
			break
		}
		c.received += n
	}
	c.socket.close()
	b.leave(c)
}
