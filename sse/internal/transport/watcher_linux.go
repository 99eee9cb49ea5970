//go:build !386

// Not on 386, where socket_linux.go can't write without waiting.

package transport

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// tlsReadTimeout bounds how long a goroutine reads from a TLS client that has sent something:
// part of a record, perhaps.
const tlsReadTimeout = time.Second

// An epoll notices the ends of sockets. One goroutine watches all of them with epoll(7), so that an idle client costs no
// goroutine. The zero epoll watches nothing, and starts with the first socket.
type epoll struct {
	running sync.WaitGroup // the goroutine

	mu      sync.Mutex         // protects what follows
	file    *os.File           // the epoll instance; nil before the first socket and after Close
	fd      int                // of file, open as long as that is not nil
	sockets map[uint64]*Socket // by key
	lastKey uint64             // unlike descriptors, keys are never reused
	closed  bool
}

// watch watches a socket, and reports whether it does. If so, the epoll alone closes the socket.
func (e *epoll) watch(s *Socket) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if s.raw == nil || e.closed || e.file == nil && e.start() != nil {
		return false
	}
	e.lastKey++
	s.key = e.lastKey
	e.sockets[s.key] = s
	if e.control(s, unix.EPOLL_CTL_ADD) != nil {
		delete(e.sockets, s.key)
		return false
	}
	return true
}

// start makes the epoll instance and its goroutine. The mutex must be held.
func (e *epoll) start() error {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return err
	}
	unix.SetNonblock(fd, true) // so that Go's poller takes it: the waiting goroutine holds no thread
	file := os.NewFile(uintptr(fd), "epoll")
	raw, err := file.SyscallConn()
	if err != nil {
		file.Close()
		return err
	}
	e.file, e.fd, e.sockets = file, fd, make(map[uint64]*Socket)
	e.running.Go(func() { e.run(raw) })
	return nil
}

// setKey puts a socket's key into the 64 bits of data that epoll returns with each event of the socket.
func setKey(event *unix.EpollEvent, key uint64) { event.Fd, event.Pad = int32(key), int32(key>>32) }

// keyOf returns the key of the socket at which an event has happened.
func keyOf(event *unix.EpollEvent) uint64 {
	return uint64(uint32(event.Fd)) | uint64(uint32(event.Pad))<<32
}

// control changes what epoll has of a socket. The descriptor can't be closed meanwhile. The mutex must be held.
func (e *epoll) control(s *Socket, operation int) (err error) {
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP}
	setKey(&event, s.key)
	if s.wrapped() {
		event.Events |= unix.EPOLLONESHOT // No more events until readTLS has read what came.
	}
	controlErr := s.raw.Control(func(fd uintptr) { err = unix.EpollCtl(e.fd, operation, int(fd), &event) })
	if controlErr != nil { // The socket is closed.
		return controlErr
	}
	return err
}

// run handles what happens at the sockets until the epoll is closed.
func (e *epoll) run(raw syscall.RawConn) {
	events := make([]unix.EpollEvent, 128)
	buf := make([]byte, 512)
	for {
		var n int
		readErr := raw.Read(func(fd uintptr) bool {
			n, _ = unix.EpollWait(int(fd), events, 0)
			return n > 0
		})
		if readErr != nil { // The epoll is closed.
			return
		}
		for _, event := range events[:n] {
			s := e.socket(keyOf(&event))
			switch {
			case s == nil: // The socket was removed after EpollWait.
			case event.Events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0:
				e.disconnected(s, s.pendingError())
			case s.wrapped():
				go e.readTLS(s)
			default:
				if why := s.readInput(buf); why != nil {
					e.disconnected(s, why)
				}
			}
		}
	}
}

func (e *epoll) socket(key uint64) *Socket {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.sockets[key]
}

// disconnected stops watching a socket whose connection has ended, closes it, and tells its owner why.
func (e *epoll) disconnected(s *Socket, why error) {
	e.mu.Lock()
	if e.sockets[s.key] != s {
		e.mu.Unlock()
		return // The end was noticed before, or the socket is not watched.
	}
	delete(e.sockets, s.key)
	// Closing the socket has epoll forget it only once no write uses its descriptor any more.
	e.control(s, unix.EPOLL_CTL_DEL)
	e.mu.Unlock()
	s.close()
	s.owner.ConnectionEnded(why)
}

// readInput throws away what a client has sent, and returns why the connection has ended, or has to end, if so.
func (s *Socket) readInput(buf []byte) (why error) {
	n, err := 0, error(nil)
	controlErr := s.raw.Control(func(fd uintptr) { n, _, err = unix.Recvfrom(int(fd), buf, unix.MSG_DONTWAIT) })
	switch {
	case controlErr != nil:
		return controlErr
	case err == unix.EAGAIN, err == unix.EINTR:
		return nil
	case err == nil && n == 0:
		return io.EOF
	}
	s.received += max(0, n)
	return s.endedBy(err)
}

// readTLS throws away what a client has sent through TLS, or through an app's own wrapper, and watches its socket again. It
// counts the bytes
// on the wire: a record that is never completed, or that only asks for new keys (RFC 8446, section
// 4.6.3), is no input to a reader of the TLS connection, but costs the server all the same.
func (e *epoll) readTLS(s *Socket) {
	s.conn.SetReadDeadline(time.Now().Add(tlsReadTimeout))
	var buf [64]byte
	for {
		n, err := s.conn.Read(buf[:])
		s.received = max(s.received+n, s.bytesReceived()-s.before)
		why := s.endedBy(err)
		if timeout, ok := why.(net.Error); ok && timeout.Timeout() { // The connection goes on: epoll watches it again.
			e.mu.Lock()
			why = e.control(s, unix.EPOLL_CTL_MOD)
			e.mu.Unlock()
			if why == nil {
				return
			}
		}
		if why != nil {
			e.disconnected(s, why)
			return
		}
	}
}

// Close ends the goroutine. It is called when no socket is left, and does not wait.
func (e *epoll) Close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.file != nil {
		e.file.Close()
		e.file = nil
	}
	e.closed = true
}

// Wait waits, after Close, until the goroutine has ended.
func (e *epoll) Wait() { e.running.Wait() }
