//go:build !386

package sse

import (
	"net"
	"testing"
	"time"

	"example.com/sse/internal/testkit"

	"golang.org/x/sys/unix"
)

// A network that goes silent is the kernel's to notice, later than the broker notices a client that does not read.
func TestUserTimeoutOfSockets(t *testing.T) {
	_, writing := testkit.TCP(t)
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
	})
}

func TestWritersListKeepsNobody(t *testing.T) {
	reading, writing := testkit.TCP(t)
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
	eventually(t, "the round has ended", func() bool { return w.lanes[few].running.n.Load() == 0 })
	for i, c := range clients {
		if c.next != nil {
			t.Errorf("client %d still leads to another one", i)
		}
	}
}
