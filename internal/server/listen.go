package server

import (
	"context"
	"crypto/tls"
	"net"

	"github.com/kataras/golog"
)

// Listen listens on a TCP address, host:port, for iris.Listener.
//
// Its connections do without two things that net.Listen gives them. Multipath TCP has no
// TCP_USER_TIMEOUT, by which the broker notices that a client's network is silent. And keep-alive
// probes are four system calls a connection for nothing: a stream has its heartbeats, HTTP/2
// its pings, and all else the time limits of Limits.
func Listen(addr string) (net.Listener, error) {
	config := net.ListenConfig{KeepAlive: -1}
	config.SetMultipathTCP(false)
	return config.Listen(context.Background(), "tcp", addr)
}

// shakeHands does a new connection's handshake in a goroutine that ends with it
// (http.Server.ConnContext). net/http would do it in the goroutine that stays with a connection
// over HTTP/2, whose stack then stays twice as deep as it needs to be: 16 KiB. As it is,
// net/http waits for this handshake, and gets its result.
func shakeHands(ctx context.Context, conn net.Conn) context.Context {
	if conn, ok := conn.(*tls.Conn); ok {
		begun := make(chan struct{}) // so that net/http comes second
		go func() {
			// net/http would recover, too, and end this connection alone.
			defer func() {
				if p := recover(); p != nil {
					golog.Errorf("TLS handshake: panic: %v", p)
					conn.NetConn().Close()
				}
			}()
			close(begun)
			conn.HandshakeContext(ctx) // within net/http's deadline
		}()
		<-begun
	}
	return ctx
}
