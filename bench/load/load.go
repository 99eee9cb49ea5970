// Package load connects thousands of clients to an event stream and watches what each of
// them receives. One goroutine reads all sockets with epoll, so that the load takes little of
// the machine that it shares with the server.
package load

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A client is one connection.
type client struct {
	position
	parser
	index  int            // in Load.clients
	dialed int            // how often it has been
	server netip.AddrPort // of its newest connection
	fd     int            // -1: not connected
	socket socket
	tls    *tls.Conn // over socket; nil without TLS
	ticket ticket
	steady bool  // its waits count for Load.LongestWait
	heard  int64 // when its newest event came
	absence
}

// A Load is clients connected to one event stream. It belongs to one goroutine.
type Load struct {
	addr     func(client, connection int) netip.AddrPort
	path     func(client int, lastID string) string
	apart    bool
	protocol Protocol
	tls      *tls.Config
	epoll    int
	began    time.Time
	clients  []*client
	log      log
	events   []unix.EpollEvent
	buf      []byte

	now int64 // the time of the read that is being looked at

	open    int // clients connected, whose answer's header has come
	pending int // clients connected, whose answer's header has not come

	delivered   int64 // events received, all clients together
	dropped     int64 // connections ended by the server
	failure     error // the first reason for that, where it was not an end of the stream
	longestWait int64 // between two events of a steady client

	returning bool      // clients whose connection the server ends connect again
	away      []*client // those that are to, in the order in which they are due
	returns   []Return
}

// New returns a Load at addr, without clients. Path returns the path and query that a client, by its
// index, asks for; the last event ID is empty before its first event. Over TLS clients trust the
// roots' certificates alone.
func New(addr netip.AddrPort, path func(client int, lastID string) string, protocol Protocol, roots *x509.CertPool) (*Load, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	return &Load{
		addr:     func(int, int) netip.AddrPort { return addr },
		path:     path,
		protocol: protocol,
		tls:      &tls.Config{RootCAs: roots, ServerName: addr.Addr().String(), NextProtos: []string{protocol.alpn()}},
		epoll:    epoll,
		began:    time.Now(),
		events:   make([]unix.EpollEvent, 512),
		buf:      make([]byte, 1<<20),
	}, nil
}

// ServedBy says which server a client's connections go to, of which its first is 0, where one Load's clients have several
// servers.
func (l *Load) ServedBy(addr func(client, connection int) netip.AddrPort) { l.addr = addr }

// Apart says that the clients get different events: these are only counted.
func (l *Load) Apart() { l.apart = true }

// Close disconnects all clients.
func (l *Load) Close() {
	l.Disconnect(len(l.clients))
	unix.Close(l.epoll)
}

// Until receives until done, which is asked often, says so, and reports whether it did before
// the time was over.
func (l *Load) Until(ctx context.Context, limit time.Duration, done func() bool) bool {
	for end := time.Now().Add(limit); !done(); {
		left := time.Until(end)
		if left <= 0 || ctx.Err() != nil {
			return false
		}
		l.comeBack(ctx)
		if l.poll(min(left, 50*time.Millisecond, l.untilDue())) != nil {
			return false
		}
	}
	return true
}

// poll receives what has come, after waiting for something to come.
func (l *Load) poll(wait time.Duration) error {
	n, err := unix.EpollWait(l.epoll, l.events, int((wait+time.Millisecond-1)/time.Millisecond))
	if err == unix.EINTR {
		return nil
	}
	if err != nil {
		return err
	}
	for i := range l.events[:n] {
		l.read(l.clients[l.events[i].Fd])
	}
	return nil
}

// read receives what has come for one client.
func (l *Load) read(c *client) {
	if c.fd < 0 {
		return // closed since epoll told
	}
	if c.tls == nil {
		kept := copy(l.buf, c.rest)
		n, err := readSocket(c.fd, l.buf[kept:])
		if err == unix.EAGAIN || err == unix.EINTR {
			return
		}
		if n <= 0 {
			l.end(c, nil)
			return
		}
		l.receive(c, l.buf[:kept+n])
		return
	}
	c.socket.drained = false
	for c.fd >= 0 {
		kept := copy(l.buf, c.rest)
		n, err := c.tls.Read(l.buf[kept:])
		if n > 0 {
			l.receive(c, l.buf[:kept+n])
		}
		if err == unix.EAGAIN {
			return
		}
		if err != nil {
			l.end(c, nil)
			return
		}
	}
}

// receive takes note of what one client has received. b begins with what was left of before.
func (l *Load) receive(c *client, b []byte) {
	l.now = int64(time.Since(l.began))
	wasHeader, before := !c.headerDone, l.delivered
	err := c.feed(b, func(key int64) {
		l.delivered++
		if !l.apart {
			l.log.receive(&c.position, key, l.now, l.positions)
		}
	})
	if wasHeader && c.headerDone {
		l.pending--
		l.open++
		c.answered = l.now
	}
	if err == nil && c.frames != nil && c.frames.answers.Len() > 0 {
		_, err = c.frames.answers.WriteTo(c.tls)
	}
	if err != nil {
		l.end(c, err)
		return
	}
	if l.delivered > before {
		if c.steady && c.heard > 0 {
			l.longestWait = max(l.longestWait, l.now-c.heard)
		}
		c.heard = l.now
		l.returned(c)
	}
}

// end notes that the server has ended a connection.
func (l *Load) end(c *client, err error) {
	if c.fd < 0 {
		return
	}
	l.close(c)
	l.dropped++
	if l.returning {
		l.leave(c)
	}
	if l.failure == nil && err != io.EOF {
		l.failure = err
	}
}

// positions yields all clients' positions in the log.
func (l *Load) positions(yield func(*position) bool) {
	for _, c := range l.clients {
		if !yield(&c.position) {
			return
		}
	}
}

// readSocket reads from a socket that does not block: without telling Go's scheduler,
// which expects system calls to block.
func readSocket(fd int, b []byte) (n int, err error) {
	got, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	if errno != 0 {
		return -1, errno
	}
	return int(got), nil
}
