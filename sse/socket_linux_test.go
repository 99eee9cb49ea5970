//go:build !386

package sse

import (
	"crypto/tls"
	"net"
	"testing"
	"time"

	"example.com/sse/internal/testkit"

	"golang.org/x/sys/unix"
)

// A network that goes silent is the kernel's to notice, and what it keeps for a client is bounded.
func TestSocketsOptions(t *testing.T) {
	_, writing := tcp(t)
	var s socket
	s.init(writing)
	raw, err := writing.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) {
		if timeout, err := unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT); timeout != userTimeout || err != nil {
			t.Errorf("the user timeout is %d ms, error %v", timeout, err)
		}
		if buffer, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF); buffer > 2*sendBuffer || err != nil {
			t.Errorf("the send buffer has %d bytes, error %v", buffer, err)
		}
	})
}

func TestWritersListKeepsNobody(t *testing.T) {
	reading, writing := tcp(t)
	w := newWriters()
	clients := make([]*client, 10)
	for i := range clients {
		clients[i] = &client{broker: new(Broker), outbox: newOutbox()}
		clients[i].socket.init(writing)
		if clients[i].outbox.put(payload) {
			w.add(clients[i])
		}
	}
	w.start()
	if _, err := reading.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the round has ended", func() bool { return !w.busy() })
	for i, c := range clients {
		if c.next != nil {
			t.Errorf("client %d still leads to another one", i)
		}
	}
}

// A TLS client that keeps up is written to at once; a record that may not fit takes a goroutine.
// unreadTLS returns a connection through TLS whose client reads nothing after the handshake.
func unreadTLS(t *testing.T) *socket {
	t.Helper()
	reading, writing := tcp(t)
	reading.(*net.TCPConn).SetReadBuffer(4 << 10)
	certificate := newTLSCertificate(t)
	client := tls.Client(reading, &tls.Config{InsecureSkipVerify: true})
	go client.Handshake()
	conn := tls.Server(writing, &tls.Config{Certificates: []tls.Certificate{certificate}})
	if err := conn.Handshake(); err != nil {
		t.Fatal(err)
	}
	s := new(socket)
	s.init(conn)
	return s
}

func TestWritingThroughTLSDoesNotWaitForRoom(t *testing.T) {
	s, w := unreadTLS(t), newTryWriter()
	if n, err := w.write(s, payload); n != len(payload) || err != nil {
		t.Errorf("to a client that keeps up: %d bytes, error %v", n, err)
	}
	if n, err := w.write(s, make([]byte, maxEncrypted+1)); n != 0 || err != nil {
		t.Errorf("more than is written at once: %d bytes, error %v", n, err)
	}
	record := make([]byte, maxEncrypted)
	for written := 0; ; {
		n, err := w.write(s, record)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
		if written += n; written > 1<<30 {
			t.Fatal("a socket that nobody reads has room for ever")
		}
	}
}

func TestWhatIsWrittenElsewhereThroughTLSTakesRoom(t *testing.T) {
	s, w := unreadTLS(t), newTryWriter()
	if n, err := w.write(s, payload); n != len(payload) || err != nil {
		t.Errorf("to a client that keeps up: %d bytes, error %v", n, err)
	}
	// More than is written at once is left to a goroutine of its own.
	rest := make([]byte, sendBuffer)
	if n, err := w.write(s, rest); n != 0 || err != nil {
		t.Errorf("more than is written at once: %d bytes, error %v", n, err)
	}
	s.conn.SetWriteDeadline(time.Now().Add(testkit.Limit))
	if _, err := s.conn.Write(rest); err != nil {
		t.Fatal(err)
	}
	if n, err := w.write(s, payload); n != 0 || err != nil {
		t.Errorf("after it: %d bytes, error %v", n, err)
	}
}
