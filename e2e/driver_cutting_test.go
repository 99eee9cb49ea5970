package e2e

import (
	"io"
	"net"
	"sync"
	"testing"

	"example.com/sse/internal/testkit"
)

// A cutting is a proxy for TCP whose connections can be cut, and that can let nobody pass. It ends with the test.
type cutting struct {
	url      string
	to       string
	listener net.Listener
	copies   sync.WaitGroup

	mu     sync.Mutex
	closed bool                  // mu protects it, as all that follows: nobody may pass
	conns  map[net.Conn]struct{} // of clients and of the server
}

func newCutting(t *testing.T, to string) *cutting {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutting{url: "http://" + listener.Addr().String(), to: to, listener: listener, conns: make(map[net.Conn]struct{})}
	c.copies.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			c.copies.Go(func() { c.serve(conn) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		c.cut()
		testkit.Return(t, c.copies.Wait, "the proxy ends")
	})
	return c
}

// cut ends all connections, and those that come, until pass.
func (c *cutting) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for conn := range c.conns {
		conn.Close()
	}
}

// pass lets those pass that come.
func (c *cutting) pass() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = false
}

// add notes a connection, and reports whether it may pass.
func (c *cutting) add(conn net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conns[conn] = struct{}{}
	return !c.closed
}

func (c *cutting) remove(conn net.Conn) {
	conn.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.conns, conn)
}

func (c *cutting) serve(client net.Conn) {
	defer c.remove(client)
	if !c.add(client) {
		return
	}
	server, err := net.Dial("tcp", c.to)
	if err != nil {
		return
	}
	defer c.remove(server)
	if !c.add(server) {
		return
	}
	var answers sync.WaitGroup
	answers.Go(func() {
		io.Copy(client, server)
		client.Close()
	})
	io.Copy(server, client)
	server.Close()
	answers.Wait()
}
