package server

import (
	"net"
	"testing"
	"time"

	"example.com/sse/internal/testkit"

	"golang.org/x/sys/unix"
)

func TestConnectionsHaveAUserTimeoutNoKeepAliveAndABoundedBuffer(t *testing.T) {
	l, err := Listen("127.0.0.1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialer := &net.Dialer{Timeout: testkit.Limit}
	dialer.SetMultipathTCP(true)
	client, err := dialer.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	l.Listener.(*net.TCPListener).SetDeadline(time.Now().Add(testkit.Limit))
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if raw, err := conn.(*net.TCPConn).SyscallConn(); err != nil {
		t.Error(err)
	} else {
		raw.Control(func(fd uintptr) {
			if err := unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 1); err != nil {
				t.Errorf("TCP_USER_TIMEOUT: %v", err)
			}
			if on, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_KEEPALIVE); err != nil || on != 0 {
				t.Errorf("SO_KEEPALIVE: %d, %v", on, err)
			}
			if bound, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF); err != nil || bound != 2*sendBuffer {
				t.Errorf("SO_SNDBUF: %d, %v", bound, err)
			}
		})
	}
}
