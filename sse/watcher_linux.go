//go:build !386

// Not on 386, where socket_linux.go can't write without waiting.

package sse

import (
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

// A watcher notices when the clients of hijacked sockets disconnect. One goroutine watches all
// sockets with epoll, so that an idle client costs no goroutine. The zero watcher watches
// nobody, and starts with the first client.
type watcher struct {
	off bool // nobody is watched: set by close, and by tests of what happens without epoll

	mu      sync.Mutex         // protects what follows
	file    *os.File           // the epoll instance; nil before the first client and after close
	fd      int                // of file, open as long as that is not nil
	clients map[uint64]*client // by key
	lastKey uint64             // keys are never reused, as descriptors are
}

// watch watches the socket of a registered client, and reports whether it does. If so,
// the watcher alone closes the socket, and unregisters the client when its connection ends.
func (b *Broker) watch(c *client) bool {
	w := &b.watcher
	if w.off || c.socket.raw == nil {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.file == nil {
		// Non-blocking, so that Go's poller takes it: the waiting goroutine holds no thread.
		fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
		if err != nil {
			return false
		}
		unix.SetNonblock(fd, true)
		file := os.NewFile(uintptr(fd), "epoll")
		raw, err := file.SyscallConn()
		if err != nil {
			file.Close()
			return false
		}
		w.file, w.fd, w.clients = file, fd, make(map[uint64]*client)
		b.streams.Add(1) // streams > 0 here, by the client's own, so Add is safe beside Shutdown's Wait.
		go b.runWatcher(raw)
	}
	w.lastKey++
	c.socket.key = w.lastKey
	w.clients[c.socket.key] = c
	if w.control(c, unix.EPOLL_CTL_ADD) != nil {
		delete(w.clients, c.socket.key)
		return false
	}
	return true
}

// setKey puts a socket's key into the 64 bits of data that epoll returns with each event of the socket.
func setKey(event *unix.EpollEvent, key uint64) { event.Fd, event.Pad = int32(key), int32(key>>32) }

// keyOf returns the key of the socket at which an event has happened.
func keyOf(event *unix.EpollEvent) uint64 {
	return uint64(uint32(event.Fd)) | uint64(uint32(event.Pad))<<32
}

// control changes a client's registration with epoll. The descriptor can't be closed meanwhile. The mutex must
// be held.
func (w *watcher) control(c *client, operation int) (err error) {
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP}
	setKey(&event, c.socket.key)
	if c.socket.wrapped() {
		event.Events |= unix.EPOLLONESHOT // No more events until readTLS has read what came.
	}
	controlErr := c.socket.raw.Control(func(fd uintptr) { err = unix.EpollCtl(w.fd, operation, int(fd), &event) })
	if controlErr != nil { // The socket is closed.
		return controlErr
	}
	return err
}

// runWatcher handles what happens at the sockets until the watcher is closed.
func (b *Broker) runWatcher(raw syscall.RawConn) {
	defer b.streams.Done()
	events := make([]unix.EpollEvent, 128)
	buf := make([]byte, 512)
	for {
		var n int
		readErr := raw.Read(func(epoll uintptr) bool {
			n, _ = unix.EpollWait(int(epoll), events, 0)
			return n > 0
		})
		if readErr != nil { // The watcher is closed.
			return
		}
		for _, event := range events[:n] {
			c := b.watcher.client(keyOf(&event))
			switch {
			case c == nil: // The client was removed after EpollWait.
			case event.Events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0:
				c.noticeError(c.socket.pendingError())
				b.disconnected(c)
			case c.socket.wrapped():
				go b.readTLS(c)
			case !c.readInput(buf):
				b.disconnected(c)
			}
		}
	}
}

func (w *watcher) client(key uint64) *client {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.clients[key]
}

// disconnected stops watching a client whose connection has ended, and unregisters it.
func (b *Broker) disconnected(c *client) {
	b.watcher.mu.Lock()
	if b.watcher.clients[c.socket.key] != c {
		b.watcher.mu.Unlock()
		return // The end was noticed before, or the client is not watched.
	}
	delete(b.watcher.clients, c.socket.key)
	// Closing the socket ends this only once no write uses its descriptor any more.
	b.watcher.control(c, unix.EPOLL_CTL_DEL)
	b.watcher.mu.Unlock()
	c.socket.close()
	b.leave(c)
}

// readInput throws away what a client has sent, and reports whether it is still connected and
// may send more.
func (c *client) readInput(buf []byte) bool {
	n, err := 0, error(nil)
	controlErr := c.socket.raw.Control(func(fd uintptr) { n, _, err = unix.Recvfrom(int(fd), buf, unix.MSG_DONTWAIT) })
	if controlErr != nil || n == 0 || err != nil && err != unix.EAGAIN && err != unix.EINTR {
		return false
	}
	c.socket.received += max(0, n)
	return !c.hasSentTooMuch()
}

// readTLS throws away what a client has sent through TLS, and watches it again. It counts the bytes
// on the wire: a record that is never completed, or that only asks for new keys (RFC 8446, section
// 4.6.3), is no input to a reader of the TLS connection, but costs the server all the same.
func (b *Broker) readTLS(c *client) {
	s := c.socket
	s.conn.SetReadDeadline(time.Now().Add(tlsReadTimeout))
	var buf [64]byte
	for {
		n, err := s.conn.Read(buf[:])
		s.received = max(s.received+n, s.bytesReceived()-s.before)
		if c.hasSentTooMuch() {
			break
		}
		if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
			b.watcher.mu.Lock()
			err = b.watcher.control(c, unix.EPOLL_CTL_MOD)
			b.watcher.mu.Unlock()
			if err == nil {
				return
			}
		}
		if err != nil {
			c.noticeError(err)
			break
		}
	}
	b.disconnected(c)
}

// close ends the watcher. It is called when no client is left.
func (w *watcher) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.file != nil {
		w.file.Close()
		w.file = nil
	}
	w.off = true
}
