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
	// Only a refused connection means that nobody listens: after another error the socket may be full, or not ours.
	nobodyListens := errors.Is(dialErr, syscall.ECONNREFUSED)
	info, statErr := os.Lstat(path)
	isSocket := statErr == nil && info.Mode().Type() == fs.ModeSocket
	if !nobodyListens || !isSocket {
		return nil, err
	}
	if err := os.Remove(path); err != nil {
		return nil, err
	}
	return net.Listen("unix", path)
}
