//go:build !386

// On 386 Linux has sendto only behind socketcall(2).

package sse

import (
	"net"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// userTimeout is how long a client's network may be silent to what was sent before the kernel
// takes the connection for dead (TCP_USER_TIMEOUT, in milliseconds). By itself that takes it a
// quarter of an hour. It is longer than stallTimeout, so that the broker is first to notice a
// client that is there but does not read. A heartbeat each 15 s sees to it that something is sent.
// Multipath TCP, which net.Listen speaks, too, has no such timeout (net.ListenConfig.SetMultipathTCP).
const userTimeout = 40_000

type rawConn = syscall.RawConn

// rawConnOf returns the socket of a TCP connection, prepared for a stream.
func rawConnOf(tcp *net.TCPConn) rawConn {
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	raw.Control(func(fd uintptr) {
		unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, userTimeout)
	})
	return raw
}

// A tryWriter writes to sockets without waiting for room. It is used by one goroutine.
type tryWriter struct {
	b     []byte           // what send is to write
	n     int              // how much of it send has written
	errno syscall.Errno    // why not more
	try   func(fd uintptr) // send, created once so that a write allocates nothing

	unsent int              // what look has found
	look   func(fd uintptr) // sees how much of what was written the client has not acknowledged
}

func newTryWriter() *tryWriter {
	w := new(tryWriter)
	w.try = w.send
	w.look = func(fd uintptr) {
		var err error
		if w.unsent, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ); err != nil {
			w.unsent = maxUnacknowledged + 1
		}
	}
	return w
}

// send writes b to a socket, which does not block: so Go's scheduler need not know. That and
// the way of write(2) through the file system would be a tenth of what a write costs.
func (w *tryWriter) send(fd uintptr) {
	for {
		n, _, errno := syscall.RawSyscall6(syscall.SYS_SENDTO, fd, uintptr(unsafe.Pointer(unsafe.SliceData(w.b))), uintptr(len(w.b)), syscall.MSG_NOSIGNAL, 0, 0)
		if w.n, w.errno = int(n), errno; errno != syscall.EINTR {
			return
		}
	}
}

// write writes as much of b as the socket has room for, and returns how much that was: 0 and
// no error where the socket is full, or where only a write that may block is to be had.
func (w *tryWriter) write(s *socket, b []byte) (n int, err error) {
	if s.raw == nil {
		return 0, nil
	}
	if s.encrypted() {
		return w.writeEncrypted(s, b)
	}
	w.b = b
	err = s.raw.Control(w.try)
	w.b = nil
	switch {
	case err != nil:
		return 0, err
	case w.errno == syscall.EAGAIN:
		return 0, nil
	case w.errno != 0:
		return 0, w.errno
	}
	return w.n, nil
}

const (
	// maxEncrypted is how much is encrypted and written at once: a TLS record's most.
	maxEncrypted = 16 << 10

	// maxUnacknowledged is how much of what was written before may still be on its way: far
	// less than half of sendBuffer, also where each byte takes its own packet's space.
	maxUnacknowledged = 4 << 10

	// recordOverhead is the most that TLS adds to a write: header, IV, MAC and padding of a CBC
	// suite (RFC 5246, section 6.2.3.2).
	recordOverhead = 5 + 16 + 32 + 16
)

// writeEncrypted is write through TLS, which can't write a part and go on later. So it writes
// all, where the socket certainly has room for it, or nothing.
func (w *tryWriter) writeEncrypted(s *socket, b []byte) (n int, err error) {
	if len(b) > maxEncrypted {
		s.room = 0 // Somebody else writes it.
		return 0, nil
	}
	if s.room <= 0 {
		if err := s.raw.Control(w.look); err != nil {
			return 0, err
		}
		if s.room = maxUnacknowledged - w.unsent; s.room < 0 {
			return 0, nil
		}
	}
	s.room -= len(b) + recordOverhead
	return s.conn.Write(b)
}
