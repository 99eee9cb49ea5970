//go:build !386

package sse

import (
	"net"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A network that goes silent is the kernel's to notice, and what it keeps for a client is bounded.
func TestSocketsOptions(t *testing.T) {
	_, writing := tcp(t)
	b := New(Options{Heartbeat: time.Minute})
	defer shutdown(t, b)
	newClient(b, writing)
	raw, err := writing.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) {
		if timeout, err := unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT); timeout != 130_000 || err != nil {
			t.Errorf("the user timeout is %d ms, error %v", timeout, err)
		}
		if buffer, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF); buffer > 2*sendBuffer || err != nil {
			t.Errorf("the send buffer has %d bytes, error %v", buffer, err)
		}
	})
}

// A client on a Unix socket costs no goroutine either: it is watched, and written to without waiting.
func TestUnixSocketIsWatchedAndTried(t *testing.T) {
	listener, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	reading, err := net.Dial("unix", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	writing, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	b := NewBroker()
	defer shutdown(t, b)
	c := newClient(b, writing)
	if !c.socket.tries {
		t.Error("a write to it may wait")
	}
	if !b.join(c, "") {
		t.Fatal("the broker has stopped")
	}
	if !b.watch(c) {
		t.Fatal("it is not watched")
	}
	c.writeFirst(nil)
	reading.Close()
	eventually(t, "the client has left", func() bool { return b.Stats().Clients == 0 })
}

func TestWritersListKeepsNobody(t *testing.T) {
	reading, writing := tcp(t)
	b := NewBroker()
	defer shutdown(t, b)
	w := newWriters()
	clients := make([]*client, 10)
	for i := range clients {
		clients[i] = newClient(b, writing)
		clients[i].outbox.next()
		clients[i].outbox.release()
		if clients[i].outbox.put(batch{bytes: payload}) {
			w.add(clients[i], &w.lanes[few])
		}
	}
	w.start()
	if _, err := reading.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the round has ended", func() bool { return !w.lanes[few].busy() })
	for i, c := range clients {
		if c.next != nil {
			t.Errorf("client %d still leads to another one", i)
		}
	}
}
