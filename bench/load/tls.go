package load

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// A Protocol is how clients speak with the server.
type Protocol int

const (
	HTTP   Protocol = iota // HTTP/1.1 without TLS
	HTTPS                  // HTTP/1.1 over TLS
	HTTPS2                 // HTTP/2 over TLS
)

// alpn returns the protocol's name in the TLS handshake (RFC 7301).
func (p Protocol) alpn() string {
	if p == HTTPS2 {
		return "h2"
	}
	return "http/1.1"
}

// handshake makes a client's connection a TLS connection. It verifies the certificate as a
// browser would, and resumes the client's last session when the server gave it a ticket. It
// ends with ctx.
func (l *Load) handshake(ctx context.Context, c *client) error {
	shut := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		unix.Shutdown(c.fd, unix.SHUT_RDWR)
		close(shut)
	})
	defer func() {
		if !stop() {
			<-shut // The descriptor is not closed before: another socket could have its number.
		}
	}()
	config := l.tls.Clone()
	config.ClientSessionCache = &c.ticket // its own, as that of another browser
	c.socket = socket{fd: c.fd, blocks: true}
	c.tls = tls.Client(&c.socket, config)
	if err := c.tls.Handshake(); err != nil {
		return err
	}
	if got := c.tls.ConnectionState().NegotiatedProtocol; got != l.protocol.alpn() && got+l.protocol.alpn() != "http/1.1" {
		return fmt.Errorf("the server speaks %q", got) // "" is HTTP/1.1.
	}
	c.socket.blocks = false
	return nil
}

// A ticket is a client's newest session ticket (tls.ClientSessionCache).
type ticket struct{ state *tls.ClientSessionState }

func (t *ticket) Get(string) (*tls.ClientSessionState, bool) { return t.state, t.state != nil }
func (t *ticket) Put(_ string, s *tls.ClientSessionState)    { t.state = s }

// A socket is the net.Conn below a client's TLS connection. During the handshake it blocks;
// after it a read without data fails with EAGAIN, which is a temporary net.Error: crypto/tls
// reads on after those.
type socket struct {
	fd      int
	blocks  bool
	drained bool // nothing can be left to read until epoll tells otherwise
}

func (s *socket) Read(b []byte) (n int, err error) {
	if s.drained {
		return 0, unix.EAGAIN
	}
	read := readSocket
	if s.blocks {
		read = unix.Read
	}
	for n, err = read(s.fd, b); err == unix.EINTR; {
		n, err = read(s.fd, b)
	}
	if err != nil {
		return 0, err
	}
	if n == 0 {
		return 0, io.EOF
	}
	s.drained = !s.blocks && n < len(b)
	return n, nil
}

// Write never finds a socket full: the load sends no more than a request and a few bytes.
func (s *socket) Write(b []byte) (n int, err error) {
	for n < len(b) {
		wrote, err := unix.Write(s.fd, b[n:])
		if err != nil && err != unix.EINTR {
			return n, err
		}
		n += max(wrote, 0)
	}
	return n, nil
}

func (s *socket) Close() error                     { return nil } // Load.close does it.
func (s *socket) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (s *socket) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (s *socket) SetDeadline(time.Time) error      { return nil }
func (s *socket) SetReadDeadline(time.Time) error  { return nil }
func (s *socket) SetWriteDeadline(time.Time) error { return nil }
