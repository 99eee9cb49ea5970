//go:build unix

package server

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// boundSendBuffer bounds a socket's send buffer (net.ListenConfig.Control).
func boundSendBuffer(_, _ string, socket syscall.RawConn) (err error) {
	controlErr := socket.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF, sendBuffer)
	})
	if controlErr != nil {
		return controlErr
	}
	return err
}
