package transport

import "time"

// A Watcher makes sockets of connections, and notices when these end. The zero Watcher has none.
type Watcher struct {
	// UserTimeout is how long a client's network may be silent to what was sent before the kernel takes a TCP
	// connection for dead, on Linux. It has to be set before the first socket is made.
	UserTimeout time.Duration

	// WithoutEpoll has each socket wait for its end in a goroutine of its own, as on systems without epoll. It is set by
	// tests, before the first socket is made.
	WithoutEpoll bool

	epoll
}

// Watch has the end of a socket's connection noticed, whatever the reason: the client has left, was cut off, or its
// stream has ended. At that end the socket is closed, and its owner told. Watch does not block.
func (w *Watcher) Watch(s *Socket) {
	if w.WithoutEpoll || !w.watch(s) {
		go s.waitForEnd()
	}
}

// waitForEnd waits for the end of a connection that epoll does not watch.
func (s *Socket) waitForEnd() {
	buf := make([]byte, 64)
	var why error
	for why == nil {
		n, err := s.conn.Read(buf)
		s.received += n
		why = s.endedBy(err)
	}
	s.close()
	s.owner.ConnectionEnded(why)
}

// endedBy returns why a connection has ended, or has to end, or nil where it goes on. It is called after each read from
// the connection, with the error of the read.
func (s *Socket) endedBy(err error) (why error) {
	if s.received > MaxInput {
		return ErrTooMuchInput
	}
	return err
}
