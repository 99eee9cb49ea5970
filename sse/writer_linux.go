//go:build !386

// On 386 Linux has sendto only behind socketcall(2).

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

// A tryWriter writes to sockets without waiting for room. It is used by one goroutine.
type tryWriter struct {
	b     []byte           // what try is to write
	n     int              // how much of it try has written
	errno syscall.Errno    // why not more
	try   func(fd uintptr) // send, created once so that a write allocates nothing
}

func newTryWriter() *tryWriter {
	w := new(tryWriter)
	w.try = w.send
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
// no error where the socket is full, or raw is nil. The rest takes a write that blocks.
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
