package sse

import (
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// sendBuffer bounds, in bytes, what the kernel keeps for a client that does not read. Linux
	// takes twice as much for its own bookkeeping, and would let it grow to 4 MiB otherwise.
	sendBuffer = 128 << 10

	// maxInput is how many bytes a client may send after its request. They mean nothing,
	// and are read only because reading is how a disconnect is noticed.
	maxInput = 4 << 10

	// endTimeout bounds how long the end of a stream may take to be written.
	endTimeout = 5 * time.Second
)

// A socket is the transport of a hijacked connection. A closed descriptor leaves no event behind, so a client whose
// socket a writer or listen closed would stay registered until the next write. So they only shut the socket down;
// what waits for the connection's end, the watcher or waitForEnd, closes it.
type socket struct {
	client *client
	conn   net.Conn   // the kernel's, or TLS over it
	below  net.Conn   // what lies below TLS, or conn
	kernel kernelConn // below; nil where that is the kernel's neither by TCP nor by a Unix socket, as in tests
	raw    rawConn    // of kernel; nil where writes may block and there is no epoll: not on Linux, or on 386
	tries  bool       // it can be written to without blocking: on Linux, without TLS

	head    []byte      // the response's header, until open has written it
	chunked bool        // the body is in chunks, as HTTP/1.1 has it; otherwise it ends with the connection
	ended   atomic.Bool // it was shut down after all that was written, or is about to be

	// Owned by the watcher or waitForEnd:

	key      uint64 // the watcher's
	received int    // how many bytes the client has sent after its request
	before   int    // how many bytes had come through the socket with the request and the handshake; TLS only
}

// A kernelConn is what a *net.TCPConn and a *net.UnixConn have in common.
type kernelConn interface {
	net.Conn
	syscall.Conn
	CloseRead() error
	CloseWrite() error
	SetWriteBuffer(bytes int) error
}

// hijack takes a connection from net/http, whose goroutines and buffers, 20 KB a client, end
// with the handler.
func hijack(w http.ResponseWriter, r *http.Request, c *client) (*socket, error) {
	if r.ProtoMajor != 1 {
		return nil, http.ErrNotSupported
	}
	conn, err := takeConn(w)
	if err != nil {
		return nil, err
	}
	s := newSocket(c, conn)
	s.chunked = r.ProtoAtLeast(1, 1)
	s.head = makeHead(w.Header(), s.chunked)
	return s, nil
}

// newSocket returns the transport of a client with a connection of its own.
func newSocket(c *client, conn net.Conn) *socket {
	s := &socket{client: c, conn: conn, below: conn}
	for t, ok := conn.(interface{ NetConn() net.Conn }); ok; t, ok = s.below.(interface{ NetConn() net.Conn }) {
		s.below = t.NetConn()
	}
	if kernel, ok := s.below.(kernelConn); ok {
		s.kernel = kernel
		s.raw = rawConnOf(kernel, c.broker.userTimeout())
		s.tries = s.raw != nil && !s.wrapped()
		kernel.SetWriteBuffer(sendBuffer)
	}
	if s.wrapped() {
		s.before = s.bytesReceived()
	}
	c.out, c.socket = s, s
	return s
}

// wrapped tells whether conn lies over the kernel's connection: it is TLS, or an app's own wrapper.
func (s *socket) wrapped() bool { return s.conn != s.below }

// framed returns a part as it goes to the socket.
func (s *socket) framed(part []byte, f *frame) []byte {
	if !s.chunked {
		return part
	}
	return f.around(part)
}

func (s *socket) open(part []byte) error {
	b := s.head
	s.head = nil
	if s.chunked {
		b = appendChunk(b, part)
	} else {
		b = append(b, part...)
	}
	if s.tries { // A new socket has room, so the write does not block. Go's scheduler, told of one, may start a thread.
		n, err := new(trySender).send(s, b)
		if b = b[n:]; len(b) == 0 || err != nil {
			return err
		}
	}
	_, err := s.conn.Write(b)
	return err
}

func (s *socket) write(part []byte, f *frame) error {
	_, err := s.conn.Write(s.framed(part, f))
	return err
}

// end writes the last chunk and shuts the connection down. Where that may block, over TLS and where the socket is
// full, a goroutine does it, in at most endTimeout.
func (s *socket) end() {
	s.ended.Store(true)
	last := s.last()
	if s.tries {
		n, err := new(trySender).send(s, []byte(last))
		if last = last[n:]; last == "" || err != nil {
			s.shutDown()
			return
		}
	}
	go func() {
		s.sayGoodbye(last)
		s.shutDown()
	}()
}

// last returns what ends the body: nothing over HTTP/1.0, where the body ends with the connection.
func (s *socket) last() string {
	if !s.chunked {
		return ""
	}
	return lastChunk
}

// sayGoodbye writes what is left of the last chunk, and TLS's own goodbye.
func (s *socket) sayGoodbye(last string) {
	s.conn.SetWriteDeadline(time.Now().Add(endTimeout))
	s.conn.Write([]byte(last))
	if t, ok := s.conn.(interface{ CloseWrite() error }); ok && s.wrapped() {
		t.CloseWrite()
	}
}

// cutOff resets the connection: what the kernel still keeps for the client is thrown away. A stream that has
// ended before is left alone, since its client may still be reading the last of it.
func (s *socket) cutOff() {
	switch {
	case s.ended.Load():
	case s.kernel == nil:
		s.below.SetDeadline(time.Unix(1, 0)) // It ends waitForEnd's read.
	case s.raw == nil:
		s.resetOnClose()
		s.kernel.Close()
	default:
		s.resetOnClose()
		s.kernel.SetDeadline(time.Unix(1, 0)) // ends reads and writes that block, also those inside TLS
		s.noticeClosed(s.kernel.CloseRead())  // makes the watcher or waitForEnd close it: that is the reset
	}
}

// resetOnClose has the kernel throw away what it keeps for a TCP client when the socket is closed. What the kernel keeps
// for the client of a Unix socket lies with the client already, and goes when the client closes its end.
func (s *socket) resetOnClose() {
	if tcp, ok := s.kernel.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
}

// shutDown ends both directions. A socket that epoll can't watch is closed instead, which ends waitForEnd's
// read.
func (s *socket) shutDown() {
	if s.raw == nil {
		s.close()
		return
	}
	s.kernel.CloseRead()
	s.noticeClosed(s.kernel.CloseWrite())
}

// noticeClosed unregisters the client of a socket whose shutdown has failed with err because it was closed already,
// by the app say. Epoll does not report such a socket.
func (s *socket) noticeClosed(err error) {
	if errors.Is(err, net.ErrClosed) {
		go s.client.broker.disconnected(s.client)
	}
}

// close closes what lies below TLS, without TLS's goodbye: a write may have been cut amid a record, which no other
// record can follow.
func (s *socket) close() { s.below.Close() }

// waitForEnd unregisters the client of a hijacked connection that is not watched when the connection ends: the
// client has disconnected, was cut off, or its stream has ended.
func (b *Broker) waitForEnd(c *client) {
	buf := make([]byte, 64)
	for !c.hasSentTooMuch() {
		n, err := c.socket.conn.Read(buf)
		if err != nil {
			c.noticeError(err)
			break
		}
		c.socket.received += n
	}
	c.socket.close()
	b.leave(c)
}
