//go:build !386

// On 386 Linux has sendto only behind socketcall(2).

package transport

import (
	"net"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

type rawConn = syscall.RawConn

// rawConnOf returns the socket of a connection, prepared for a stream. Over TCP the kernel ends the connection when
// the network has acknowledged nothing of what was sent for userTimeout (TCP_USER_TIMEOUT); without that it takes a
// quarter of an hour. The heartbeats see to it that something is sent. Multipath TCP, which net.Listen speaks, too,
// has no such timeout (net.ListenConfig.SetMultipathTCP).
func rawConnOf(conn kernelConn, userTimeout time.Duration) rawConn {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil
	}
	if _, ok := conn.(*net.TCPConn); !ok {
		return raw
	}
	raw.Control(func(fd uintptr) {
		unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(userTimeout.Milliseconds()))
	})
	return raw
}

// bytesReceived returns how many bytes have come through the socket in all, whatever TLS makes
// of them; 0 where the kernel does not tell (TCP_INFO, since Linux 4.1; not of Unix sockets).
func (s *Socket) bytesReceived() int {
	if s.raw == nil {
		return 0
	}
	n := 0
	s.raw.Control(func(fd uintptr) {
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			n = int(info.Bytes_received)
		}
	})
	return n
}

// pendingError returns why the kernel has ended the connection. It is nil where the kernel has not, or where a
// write has returned the error before.
func (s *Socket) pendingError() (err error) {
	s.raw.Control(func(fd uintptr) {
		if errno, _ := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR); errno != 0 {
			err = syscall.Errno(errno)
		}
	})
	return err
}

// A TrySender sends through sockets without waiting for room. It is used by one goroutine, and only for sockets of which
// [Socket.Tries] is true. The zero TrySender is ready for use.
type TrySender struct {
	b     []byte           // what sendTo is to send
	n     int              // how much of it sendTo has sent
	errno syscall.Errno    // why not more
	call  func(fd uintptr) // sendTo, created once so that a send allocates nothing
}

// sendTo sends b through the socket of a descriptor. The system call does not block, so Go's scheduler is not told of
// it. To 500 sockets in turn a send takes 6.2 µs of CPU this way, 6.6 with net.Conn.Write, which may block, and 6.8
// with unix.SendmsgN: the best of 15 runs in turn on two cores.
func (t *TrySender) sendTo(fd uintptr) {
	for {
		n, _, errno := syscall.RawSyscall6(syscall.SYS_SENDTO, fd, uintptr(unsafe.Pointer(unsafe.SliceData(t.b))), uintptr(len(t.b)), syscall.MSG_NOSIGNAL|syscall.MSG_DONTWAIT, 0, 0)
		if t.n, t.errno = int(n), errno; errno != syscall.EINTR {
			return
		}
	}
}

// send sends as much of b through a socket as the socket has room for, and returns how many bytes that was: 0 and
// no error where the socket is full.
func (t *TrySender) send(s *Socket, b []byte) (n int, err error) {
	if t.call == nil {
		t.call = t.sendTo
	}
	t.b = b
	err = s.raw.Control(t.call)
	t.b = nil
	switch {
	case err != nil:
		return 0, err
	case t.errno == syscall.EAGAIN:
		return 0, nil
	case t.errno != 0:
		return 0, t.errno
	}
	return t.n, nil
}
