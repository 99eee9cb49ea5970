// Package load connects thousands of clients to an event stream and watches what each of
// them receives. One goroutine reads all sockets with epoll, so that the load takes little of
// the machine that it shares with the server.
package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// maxPending is how many clients may wait for the head of their answer before others
	// connect: fewer than a listener's backlog of 4,096, or connections would be lost.
	maxPending = 2000

	// pendingPatience is how long connecting waits for those: some servers send the
	// head with the first event only.
	pendingPatience = 50 * time.Millisecond

	// connectAtOnce is how many clients connect between two looks at what has come.
	connectAtOnce = 50

	// answerWithin is how long the last client waits for the head of its answer.
	answerWithin = 15 * time.Second

	// sources is how many addresses of the loopback network the clients come from: one
	// has only some 28,000 ports to a server, and those just closed are still taken.
	sources = 8
)

// ErrNoAnswer is the error for clients that the server left waiting.
var ErrNoAnswer = errors.New("clients got no answer")

// A client is one connection.
type client struct {
	place
	parser
	fd     int   // -1: not connected
	steady bool  // its waits count for Load.LongestWait
	heard  int64 // when its newest event came
}

// A Load is clients connected to one event stream. It belongs to one goroutine.
type Load struct {
	url     netip.AddrPort
	path    string
	epoll   int
	began   time.Time
	clients []*client
	log     log
	events  []unix.EpollEvent
	buf     []byte

	now int64 // the time of the read that is being looked at

	open    int // clients connected, whose answer's head has come
	pending int // clients connected, whose answer's head has not come

	delivered   int64 // events received, all clients together
	dropped     int64 // connections ended by the server
	failure     error // the first reason for that, where it was not an end of the stream
	longestWait int64 // between two events of a steady client
}

// New returns a Load on http://addr/path, without clients.
func New(addr netip.AddrPort, path string) (*Load, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	return &Load{
		url:    addr,
		path:   path,
		epoll:  epoll,
		began:  time.Now(),
		events: make([]unix.EpollEvent, 512),
		buf:    make([]byte, 1<<20),
	}, nil
}

// Close disconnects all clients.
func (l *Load) Close() {
	l.Disconnect(len(l.clients))
	unix.Close(l.epoll)
}

// Connect connects n more clients and waits for the heads of their answers.
func (l *Load) Connect(ctx context.Context, n int, steady bool) error {
	first := len(l.clients)
	for range n {
		l.clients = append(l.clients, &client{fd: -1, steady: steady})
	}
	return l.connect(ctx, first, len(l.clients))
}

// Reconnect connects the first n clients again, each with its last event ID.
func (l *Load) Reconnect(ctx context.Context, n int) error {
	return l.connect(ctx, 0, n)
}

// Disconnect closes the connections of the first n clients.
func (l *Load) Disconnect(n int) {
	for _, c := range l.clients[:n] {
		l.close(c)
	}
}

func (l *Load) connect(ctx context.Context, from, to int) error {
	allowed := maxPending
	for i := from; i < to; i++ {
		if err := errors.Join(ctx.Err(), l.dial(i)); err != nil {
			return fmt.Errorf("client %d: %w", i+1, err)
		}
		if (i-from)%connectAtOnce == 0 {
			if err := l.poll(0); err != nil {
				return err
			}
		}
		if l.pending >= allowed && !l.Until(ctx, pendingPatience, func() bool { return l.pending < allowed }) {
			allowed += maxPending
		}
	}
	if !l.Until(ctx, answerWithin, func() bool { return l.pending == 0 }) {
		return fmt.Errorf("%d of %d %w", l.pending, to-from, ErrNoAnswer)
	}
	return l.failure
}

// dial connects a client and sends its request.
func (l *Load) dial(i int) (err error) {
	c := l.clients[i]
	c.fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		c.fd = -1
		return err
	}
	unix.SetsockoptInt(c.fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	if err := unix.Bind(c.fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, byte(1 + i%sources)}}); err != nil {
		return err
	}
	if err := unix.Connect(c.fd, &unix.SockaddrInet4{Addr: l.url.Addr().As4(), Port: int(l.url.Port())}); err != nil {
		return err
	}
	request := fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n", l.path, l.url)
	if len(c.lastID) > 0 {
		request = fmt.Appendf(request, "Last-Event-ID: %s\r\n", c.lastID)
	}
	if _, err := unix.Write(c.fd, append(request, "\r\n"...)); err != nil {
		return err
	}
	if err := unix.SetNonblock(c.fd, true); err != nil {
		return err
	}
	c.reset()
	l.pending++
	return unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, c.fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(i)})
}

// close closes a client's connection.
func (l *Load) close(c *client) {
	if c.fd < 0 {
		return
	}
	unix.Close(c.fd)
	c.fd = -1
	if c.headDone {
		l.open--
	} else {
		l.pending--
	}
}

// Until receives until done, which is asked often, says so, and reports whether it did before
// the time was over.
func (l *Load) Until(ctx context.Context, limit time.Duration, done func() bool) bool {
	for end := time.Now().Add(limit); !done(); {
		left := time.Until(end)
		if left <= 0 || ctx.Err() != nil || l.poll(min(left, 50*time.Millisecond)) != nil {
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
	kept := copy(l.buf, c.rest)
	n, err := readSocket(c.fd, l.buf[kept:])
	if err == unix.EAGAIN || err == unix.EINTR {
		return
	}
	if n <= 0 {
		l.end(c, nil)
		return
	}
	l.now = int64(time.Since(l.began))
	wasHead, before := !c.headDone, l.delivered
	err = c.feed(l.buf[:kept+n], func(key int64) {
		l.delivered++
		l.log.receive(&c.place, key, l.now, l.places)
	})
	if wasHead && c.headDone {
		l.pending--
		l.open++
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
	}
}

// end notes that the server has ended a connection.
func (l *Load) end(c *client, err error) {
	l.close(c)
	l.dropped++
	if l.failure == nil && err != io.EOF {
		l.failure = err
	}
}

// places yields all clients' places in the log.
func (l *Load) places(yield func(*place) bool) {
	for _, c := range l.clients {
		if !yield(&c.place) {
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
