package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// maxPending is how many clients may wait for the header of their answer before others
	// connect: fewer than a listener's backlog of 4,096, or connections would be lost.
	maxPending = 2000

	// pendingTimeout is how long connecting waits for those: some servers send the
	// header with the first event only.
	pendingTimeout = 50 * time.Millisecond

	// dialsBetweenPolls is how many clients connect before the load looks at what has come.
	dialsBetweenPolls = 50

	// maxHandshakes is how many TLS handshakes are under way at the same time: enough that
	// the server never waits for the load.
	maxHandshakes = 32

	// answerTimeout is how long the last client waits for the header of its answer.
	answerTimeout = 15 * time.Second

	// sources is how many addresses of the loopback network the clients come from: one
	// has only some 28,000 ports to a server, and those just closed are still taken.
	sources = 8
)

// ErrNoAnswer is the error for clients that the server left waiting.
var ErrNoAnswer = errors.New("clients got no answer")

// Connect connects n more clients and waits for the headers of their answers.
func (l *Load) Connect(ctx context.Context, n int, steady bool) error {
	first := len(l.clients)
	for i := range n {
		l.clients = append(l.clients, &client{index: first + i, fd: -1, steady: steady})
	}
	return l.connect(ctx, l.clients[first:])
}

// Reconnect connects the first n clients again, each with its last event ID, and over TLS
// with the session ticket that the server gave it.
func (l *Load) Reconnect(ctx context.Context, n int) error {
	return l.connect(ctx, l.clients[:n])
}

// Disconnect closes the connections of the first n clients.
func (l *Load) Disconnect(n int) {
	for _, c := range l.clients[:n] {
		l.close(c)
	}
}

func (l *Load) connect(ctx context.Context, clients []*client) error {
	dialAll := l.dialInTurn
	if l.protocol != HTTP {
		dialAll = l.dialTogether
	}
	dialed, err := dialAll(ctx, clients)
	if err != nil {
		return err
	}
	if dialed < len(clients) || !l.Until(ctx, answerTimeout, func() bool { return l.pending == 0 }) {
		return fmt.Errorf("%d of %d %w", l.pending+len(clients)-dialed, len(clients), ErrNoAnswer)
	}
	return l.failure
}

// dialInTurn connects one client after another, as long as ctx lasts, and returns how many.
func (l *Load) dialInTurn(ctx context.Context, clients []*client) (dialed int, err error) {
	allowed := maxPending
	for i, c := range clients {
		if ctx.Err() != nil {
			return i, nil
		}
		if err := l.start(c, l.dial(ctx, c)); err != nil {
			return i, err
		}
		if i%dialsBetweenPolls == 0 {
			if err := l.poll(0); err != nil {
				return i, err
			}
		}
		if l.pending >= allowed && !l.Until(ctx, pendingTimeout, func() bool { return l.pending < allowed }) {
			allowed += maxPending
		}
	}
	return len(clients), nil
}

// dialTogether connects up to maxHandshakes clients at the same time, as long as ctx lasts,
// and returns how many. A handshake takes both sides' processors, so that one after
// another would leave one of them idle.
func (l *Load) dialTogether(ctx context.Context, clients []*client) (dialed int, err error) {
	type result struct {
		*client
		err error
	}
	results := make(chan result, maxHandshakes)
	for begun, ended := 0, 0; begun < len(clients) && err == nil && ctx.Err() == nil || ended < begun; {
		for err == nil && ctx.Err() == nil && begun < len(clients) && begun-ended < maxHandshakes {
			c := clients[begun]
			begun++
			go func() { results <- result{c, l.dial(ctx, c)} }()
		}
		select {
		case r := <-results:
			ended++
			startErr := l.start(r.client, r.err)
			switch {
			case startErr == nil:
				dialed++
			case ctx.Err() == nil && err == nil:
				err = startErr
			}
		default:
			if pollErr := l.poll(time.Millisecond); err == nil {
				err = pollErr
			}
		}
	}
	return dialed, err
}

// dial connects a client and sends its request, as long as ctx lasts. It uses nothing of the Load that changes:
// several may run at the same time.
func (l *Load) dial(ctx context.Context, c *client) (err error) {
	c.fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		c.fd = -1
		return err
	}
	unix.SetsockoptInt(c.fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	// A server that does not take part in a handshake must not hold the load for ever.
	timeout := unix.NsecToTimeval(int64(answerTimeout))
	unix.SetsockoptTimeval(c.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout)
	if err := unix.Bind(c.fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, byte(1 + c.index%sources)}}); err != nil {
		return err
	}
	c.server = l.addr(c.index, c.dialed)
	c.dialed++
	if err := unix.Connect(c.fd, &unix.SockaddrInet4{Addr: c.server.Addr().As4(), Port: int(c.server.Port())}); err != nil {
		return err
	}
	c.reset()
	if l.protocol == HTTP {
		_, err = unix.Write(c.fd, l.request(c))
		return err
	}
	if err := l.handshake(ctx, c); err != nil {
		return err
	}
	request := l.request
	if l.protocol == HTTPS2 {
		c.frames = new(frameReader)
		request = l.request2
	}
	_, err = c.tls.Write(request(c))
	return err
}

// request returns a client's request for the stream over HTTP/1.1.
func (l *Load) request(c *client) []byte {
	request := fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n", l.path(c.index, string(c.lastID)), c.server)
	if len(c.lastID) > 0 {
		request = fmt.Appendf(request, "Last-Event-ID: %s\r\n", c.lastID)
	}
	return append(request, "\r\n"...)
}

// start makes poll read a client that was dialed with the given result.
func (l *Load) start(c *client, err error) error {
	if err == nil {
		err = unix.SetNonblock(c.fd, true)
	}
	if err == nil {
		err = unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, c.fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(c.index)})
	}
	if err != nil {
		unix.Close(c.fd)
		c.fd = -1
		return fmt.Errorf("client %d: %w", c.index+1, err)
	}
	l.pending++
	if c.tls != nil {
		l.read(c) // What came after the handshake may be in the connection's buffer already.
	}
	return nil
}

// close closes a client's connection.
func (l *Load) close(c *client) {
	if c.fd < 0 {
		return
	}
	unix.Close(c.fd)
	c.fd, c.tls, c.frames = -1, nil, nil
	if c.headerDone {
		l.open--
	} else {
		l.pending--
	}
}
