package e2e

import (
	"net"
	"sync"
	"testing"

	"example.com/sse/internal/testkit"
)

// A hanging is a proxy for TCP that can hang: then it reads what comes, passes nothing on, and ends nothing. It ends with
// the test.
type hanging struct {
	addr, to string
	ended    chan struct{} // closed at the test's end
	copies   sync.WaitGroup

	mu    sync.Mutex
	epoch epoch // mu protects it: that of the connections that come now
}

// An epoch is what the connections of a time have in common.
type epoch struct {
	passes chan struct{} // closed when they pass
	hangs  chan struct{} // closed when they hang, for good
}

func newHanging(t *testing.T, to string) *hanging {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &hanging{addr: listener.Addr().String(), to: to, ended: make(chan struct{}), epoch: newEpoch()}
	h.pass()
	h.copies.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			h.mu.Lock()
			e := h.epoch
			h.mu.Unlock()
			h.copies.Go(func() { h.serve(conn, e) })
		}
	})
	t.Cleanup(func() {
		close(h.ended)
		listener.Close()
		testkit.Return(t, h.copies.Wait, "the proxy ends")
	})
	return h
}

func newEpoch() epoch { return epoch{make(chan struct{}), make(chan struct{})} }

// hang has all connections hang for good, and those that come wait until pass.
func (h *hanging) hang() {
	h.mu.Lock()
	defer h.mu.Unlock()
	close(h.epoch.hangs)
	h.epoch = newEpoch()
}

// pass lets the connections pass that have come since hang, and those that come.
func (h *hanging) pass() {
	h.mu.Lock()
	defer h.mu.Unlock()
	close(h.epoch.passes)
}

// serve passes on what two connections send, until one of them ends.
func (h *hanging) serve(client net.Conn, e epoch) {
	defer client.Close()
	select {
	case <-e.passes:
	case <-h.ended:
		return
	}
	server, err := net.Dial("tcp", h.to)
	if err != nil {
		return
	}
	defer server.Close()
	over := make(chan struct{}, 2)
	pass := func(to, from net.Conn) {
		defer func() { over <- struct{}{} }()
		buf := make([]byte, 32<<10)
		for {
			n, err := from.Read(buf)
			select {
			case <-e.hangs:
				<-h.ended
				return
			default:
			}
			if n > 0 {
				if _, err := to.Write(buf[:n]); err != nil {
					return
				}
			}
			if err != nil {
				return
			}
		}
	}
	h.copies.Go(func() { pass(server, client) })
	h.copies.Go(func() { pass(client, server) })
	select {
	case <-over:
	case <-h.ended:
	}
}
