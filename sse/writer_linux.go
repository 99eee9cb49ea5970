//go:build !386

package sse

import (
	"net"
	"syscall"
	"unsafe"
)

type rawConn = syscall.RawConn

// rawConnOf returns the socket of a plain TCP connection, or nil: a TLS connection has
// to encrypt first.
func rawConnOf(conn net.Conn) rawConn {
	if tcp, ok := conn.(*net.TCPConn); ok {
		if raw, err := tcp.SyscallConn(); err == nil {
			return raw
		}
	}
	return nil
}

// A tryWriter writes to sockets without waiting for room.
type tryWriter struct {
	b     []byte
	n     int
	errno syscall.Errno
	try   func(fd uintptr) // writes b; made once, so that a write allocates nothing
}

func newTryWriter() *tryWriter {
	w := new(tryWriter)
	w.try = w.send
	return w
}

// send writes b to a socket, which does not block. So Go's scheduler need not know, and
// that and the detour of write(2) through the file system are a tenth of what a write costs.
func (w *tryWriter) send(fd uintptr) {
	for {
		n, _, errno := syscall.RawSyscall6(syscall.SYS_SENDTO, fd, uintptr(unsafe.Pointer(unsafe.SliceData(w.b))), uintptr(len(w.b)), syscall.MSG_NOSIGNAL, 0, 0)
		if w.n, w.errno = int(n), errno; errno != syscall.EINTR {
			return
		}
	}
}

// write writes as much of b as the socket has room for, and returns how much that was. Its
// error is never that there is no room.
func (w *tryWriter) write(raw rawConn, b []byte) (n int, err error) {
	if raw == nil {
		return 0, nil
	}
	w.b = b
	err = raw.Control(w.try)
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
