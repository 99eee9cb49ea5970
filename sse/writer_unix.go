//go:build unix

package sse

import (
	"net"
	"syscall"
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
	b   []byte
	n   int
	err error
	try func(fd uintptr) // writes b; made once, so that a write allocates nothing
}

func newTryWriter() *tryWriter {
	w := new(tryWriter)
	w.try = func(fd uintptr) {
		for {
			w.n, w.err = syscall.Write(int(fd), w.b)
			if w.err != syscall.EINTR {
				return
			}
		}
	}
	return w
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
	if err != nil {
		return 0, err
	}
	if w.err == syscall.EAGAIN {
		return 0, nil
	}
	return w.n, w.err
}
