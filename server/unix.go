package server

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"
)

// listenUnix listens on a Unix socket, and replaces a socket that a killed process has left behind.
func listenUnix(path string) (net.Listener, error) {
	listener, err := net.Listen("unix", path)
	if !errors.Is(err, syscall.EADDRINUSE) {
		return listener, err
	}
	conn, dialErr := net.Dial("unix", path)
	if dialErr == nil {
		conn.Close()
		return nil, fmt.Errorf("%w: somebody listens on it", err)
	}
	// A refused connection means that nobody listens. Any other error does not: the socket may be full, or not ours.
	info, statErr := os.Lstat(path)
	if !errors.Is(dialErr, syscall.ECONNREFUSED) || statErr != nil || info.Mode().Type() != fs.ModeSocket {
		return nil, err
	}
	if err := os.Remove(path); err != nil {
		return nil, err
	}
	return net.Listen("unix", path)
}
