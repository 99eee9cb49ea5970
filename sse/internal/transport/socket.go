package transport

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

	// endTimeout bounds how long the end of a stream may take to be written.
	endTimeout = 5 * time.Second
)

// A Socket is the transport of a hijacked connection. A closed descriptor leaves no event behind, so epoll would not tell
// the end of a socket that a writer closed. So where epoll can watch it, End and CutOff only shut it down; what waits for the
// connection's end, the watcher or waitForEnd, closes it. Elsewhere they may close it, which ends waitForEnd's read.
type Socket struct {
	owner   Owner
	watcher *Watcher
	conn    net.Conn   // the kernel's, or TLS over it
	below   net.Conn   // what lies below TLS, or conn
	kernel  kernelConn // below, where that is a TCP or Unix socket of the kernel; otherwise nil, as in tests
	raw     rawConn    // of kernel, for epoll and for sends that do not block; nil without kernel, on 386, and on all systems but Linux
	head    []byte     // the response's header, until Open has written it

	tries   bool        // it can be written to without blocking: on Linux, without TLS
	chunked bool        // the body is in chunks, as HTTP/1.1 has it; otherwise it ends with the connection
	ended   atomic.Bool // it was shut down after all that was written, or is about to be

	// Owned by the watcher or waitForEnd:

	key      uint64 // by which the epoll finds the socket
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

// Hijack takes the connection of a request from net/http, whose goroutines and buffers, 20 KB a client, end
// with the handler. Its error means that the connection stays where it is.
func (w *Watcher) Hijack(rw http.ResponseWriter, r *http.Request, owner Owner) (*Socket, error) {
	if r.ProtoMajor != 1 {
		return nil, http.ErrNotSupported
	}
	conn, err := takeConn(rw)
	if err != nil {
		return nil, err
	}
	s := w.NewSocket(conn, owner)
	s.chunked = r.ProtoAtLeast(1, 1)
	s.head = makeHead(rw.Header(), s.chunked)
	return s, nil
}

// NewSocket returns the transport over a connection, without a header and without chunks.
func (w *Watcher) NewSocket(conn net.Conn, owner Owner) *Socket {
	s := &Socket{owner: owner, watcher: w, conn: conn, below: conn}
	// TLS, and many a wrapper of an app, tell by the method NetConn what lies below them.
	for t, ok := conn.(interface{ NetConn() net.Conn }); ok; t, ok = s.below.(interface{ NetConn() net.Conn }) {
		s.below = t.NetConn()
	}
	if kernel, ok := s.below.(kernelConn); ok {
		s.kernel = kernel
		s.raw = rawConnOf(kernel, w.UserTimeout)
		s.tries = s.raw != nil && !s.wrapped()
		kernel.SetWriteBuffer(sendBuffer)
	}
	if s.wrapped() {
		s.before = s.bytesReceived()
	}
	return s
}

// wrapped tells whether conn lies over the kernel's connection: it is TLS, or an app's own wrapper.
func (s *Socket) wrapped() bool { return s.conn != s.below }

// Tries tells whether a [TrySender] can send through the socket. It never changes.
func (s *Socket) Tries() bool { return s.tries }

// framed returns a part as it goes to the socket.
func (s *Socket) framed(part []byte, f *Frame) []byte {
	if !s.chunked {
		return part
	}
	return f.around(part)
}

// Send sends as much of a part, in a chunk where the body is in chunks, as the socket has room for, and returns the rest of
// these bytes, which are valid until the frame is used again. It never blocks.
func (t *TrySender) Send(s *Socket, part []byte, f *Frame) (rest []byte, err error) {
	b := s.framed(part, f)
	n, err := t.send(s, b)
	return b[n:], err
}

// Open is [Transport]'s.
func (s *Socket) Open(part []byte) error {
	b := s.head
	s.head = nil
	if s.chunked {
		b = appendChunk(b, part)
	} else {
		b = append(b, part...)
	}
	if s.tries { // A new socket has room, so this does not block. For conn.Write, which may, Go's scheduler may start a thread.
		n, err := new(TrySender).send(s, b)
		if b = b[n:]; len(b) == 0 || err != nil {
			return err
		}
	}
	_, err := s.conn.Write(b)
	return err
}

// Write is [Transport]'s.
func (s *Socket) Write(part []byte, f *Frame) error { return s.WriteRest(s.framed(part, f)) }

// WriteRest writes what a [TrySender] has left. It blocks until the client has room, or is cut off.
func (s *Socket) WriteRest(rest []byte) error {
	_, err := s.conn.Write(rest)
	return err
}

// OpenAndEnd is all of a stream that ends where it begins, and of whose end the owner is not told: it writes the header and the
// stream's only part, ends the stream, and closes the connection. It blocks for endTimeout at most.
func (s *Socket) OpenAndEnd(part []byte) {
	s.conn.SetWriteDeadline(time.Now().Add(endTimeout))
	s.Open(part)
	s.sayGoodbye(s.last())
	s.conn.Close()
}

// End writes the last chunk and shuts the connection down. Where that may block, over TLS and where the socket is
// full, a goroutine does it, in at most endTimeout.
func (s *Socket) End() {
	s.ended.Store(true)
	last := s.last()
	if s.tries {
		n, err := new(TrySender).send(s, []byte(last))
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
func (s *Socket) last() string {
	if !s.chunked {
		return ""
	}
	return lastChunk
}

// sayGoodbye writes what is left of the last chunk, and TLS's own goodbye.
func (s *Socket) sayGoodbye(last string) {
	s.conn.SetWriteDeadline(time.Now().Add(endTimeout))
	s.conn.Write([]byte(last))
	if t, ok := s.conn.(interface{ CloseWrite() error }); ok && s.wrapped() {
		t.CloseWrite()
	}
}

// CutOff resets the connection: what the kernel still keeps for the client is thrown away. A stream that has
// ended before is left alone, since its client may still be reading the last of it.
func (s *Socket) CutOff() {
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
func (s *Socket) resetOnClose() {
	if tcp, ok := s.kernel.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
}

// shutDown ends both directions. A socket that epoll can't watch is closed instead, which ends waitForEnd's
// read.
func (s *Socket) shutDown() {
	if s.raw == nil {
		s.close()
		return
	}
	s.kernel.CloseRead()
	s.noticeClosed(s.kernel.CloseWrite())
}

// noticeClosed notices the end of a socket whose shutdown has failed with err because it was closed already, by the app
// say. Epoll does not report such a socket.
func (s *Socket) noticeClosed(err error) {
	if errors.Is(err, net.ErrClosed) {
		go s.watcher.disconnected(s, nil)
	}
}

// close closes what lies below TLS, without TLS's goodbye: a write may have been cut amid a record, which no other
// record can follow.
func (s *Socket) close() { s.below.Close() }
