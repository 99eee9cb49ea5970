package e2e

import (
	"io"
	"net"
	"sync"
	"testing"
)

// A line is a connection to a nats-server that can be cut.
type line struct {
	addr string
	to   string

	mu     sync.Mutex
	broken bool       // mu protects this and conns
	conns  []net.Conn // all there ever were
}

func newLine(t *testing.T, to string) *line {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{addr: listener.Addr().String(), to: to}
	t.Cleanup(func() {
		listener.Close()
		l.cut(true)
	})
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go l.carry(conn)
		}
	}()
	return l
}

// carry copies both ways until one end closes or the line is cut.
func (l *line) carry(conn net.Conn) {
	defer conn.Close()
	other, err := net.Dial("tcp", l.to)
	if err != nil {
		return
	}
	defer other.Close()
	l.mu.Lock()
	l.conns = append(l.conns, conn)
	broken := l.broken
	l.mu.Unlock()
	if broken {
		return
	}
	go func() {
		io.Copy(other, conn)
		other.Close()
	}()
	io.Copy(conn, other)
}

// cut ends all connections, and lets new ones through only when it is told false.
func (l *line) cut(broken bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = broken
	for _, conn := range l.conns {
		conn.Close()
	}
}
