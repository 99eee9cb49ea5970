package e2e

import (
	"io"
	"log"
	"net"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"

	"example.com/sse/internal/testkit"
)

// A relay is a proxy for TCP whose connections can be cut, and can hang: then it reads what comes, passes nothing on, and ends
// nothing. It ends with the test.
type relay struct {
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
	cut    chan struct{} // closed when they are cut
}

func newEpoch() epoch { return epoch{make(chan struct{}), make(chan struct{}), make(chan struct{})} }

// newRelay starts a relay, which passes everything on.
func newRelay(t *testing.T, to string) *relay {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{addr: listener.Addr().String(), to: to, ended: make(chan struct{}), epoch: newEpoch()}
	r.pass()
	r.copies.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			r.mu.Lock()
			e := r.epoch
			r.mu.Unlock()
			r.copies.Go(func() { r.serve(conn, e) })
		}
	})
	t.Cleanup(func() {
		close(r.ended)
		listener.Close()
		testkit.Return(t, r.copies.Wait, "the relay ends")
	})
	return r
}

// hang has all connections hang for good, and those that come wait until pass.
func (r *relay) hang() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.epoch.hangs)
	r.epoch = newEpoch()
}

// cut ends all connections, and those that come, until pass.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.epoch.cut)
	r.epoch = newEpoch()
	close(r.epoch.cut)
}

// pass lets the connections pass that have come since hang, and those that come.
func (r *relay) pass() {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.epoch.cut:
		r.epoch = newEpoch()
	default:
	}
	close(r.epoch.passes)
}

// serve passes on what two connections send, until one of them ends or both are cut.
func (r *relay) serve(client net.Conn, e epoch) {
	defer client.Close()
	select {
	case <-e.passes:
	case <-e.cut:
		return
	case <-r.ended:
		return
	}
	server, err := net.Dial("tcp", r.to)
	if err != nil {
		return
	}
	defer server.Close()
	over := make(chan struct{}, 2)
	for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
		r.copies.Go(func() {
			r.copy(way[0], way[1], e)
			over <- struct{}{}
		})
	}
	select {
	case <-over:
	case <-e.cut:
	case <-r.ended:
	}
}

// copy passes on what one connection sends. Once they hang it returns at the test's end only.
func (r *relay) copy(from, to net.Conn, e epoch) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		select {
		case <-e.hangs:
			<-r.ended
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

// proxyTo returns a proxy for HTTP to a server.
func proxyTo(t *testing.T, server string) *httputil.ReverseProxy {
	t.Helper()
	to, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.ErrorLog = log.New(io.Discard, "", 0) // It would say so of each client that leaves.
	return proxy
}
