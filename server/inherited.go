package server

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"strconv"
)

// firstInherited is the descriptor of the first socket that systemd passes (sd_listen_fds(3)).
const firstInherited = 3

// Inherited returns a listener on the socket that systemd has opened and passed to this process (socket activation), for
// [Serve], as [Listen] does; nil where systemd has passed none. Such a socket stays open while the server restarts, so
// no connection is refused, and may have a port below 1024, for which the server needs no right. Closing the listener does
// not remove the file of a Unix socket. Call Inherited once: it unsets the environment variables by which systemd names the socket.
//
// Its connections send keep-alive probes, which is Go's default.
func Inherited(config *tls.Config) (*Listener, error) {
	pid, sockets := os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS")
	if pid != strconv.Itoa(os.Getpid()) || sockets == "" {
		return nil, nil // systemd passes no sockets, or passes them to another process.
	}
	for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		os.Unsetenv(name)
	}
	if sockets != "1" {
		return nil, fmt.Errorf("systemd passes %s sockets, and one can be used", sockets)
	}
	file := os.NewFile(firstInherited, "the socket from systemd")
	defer file.Close() // FileListener takes a copy, which no child inherits.
	inner, err := net.FileListener(file)
	if err != nil {
		return nil, fmt.Errorf("the socket from systemd: %w", err)
	}
	host := ""
	if tcp, ok := inner.(*net.TCPListener); ok {
		if socket, err := tcp.SyscallConn(); err == nil {
			boundSendBuffer("", "", socket)
		}
		host, _, _ = net.SplitHostPort(tcp.Addr().String())
	}
	return newListener(inner, host, config), nil
}
