package load

import (
	"context"
	"errors"
	"fmt"
	"time"

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
		if ctx.Err() != nil {
			return fmt.Errorf("%d of %d %w", l.pending+to-i, to-from, ErrNoAnswer)
		}
		if err := l.dial(i); err != nil {
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
