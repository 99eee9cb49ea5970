package server

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"strings"

	"github.com/kataras/golog"
)

// sendBuffer bounds, in bytes, what the kernel keeps for a client that does not read. Linux
// doubles it. By itself it would take megabytes of answers that nobody reads.
const sendBuffer = 128 << 10

// Listen listens on a TCP address, host:port, for iris.Listener. What the kernel keeps for each of
// its connections is bounded.
//
// Its connections do without two things that net.Listen gives them. Multipath TCP has no
// TCP_USER_TIMEOUT, by which the broker notices that a client's network is silent. And keep-alive
// probes are four system calls a connection for nothing: a stream has its heartbeats, HTTP/2
// its pings, and all else the time limits of Limits.
func Listen(addr string) (net.Listener, error) {
	// A connection inherits the buffer of the socket that accepts it.
	config := net.ListenConfig{KeepAlive: -1, Control: boundSendBuffer}
	config.SetMultipathTCP(false)
	return config.Listen(context.Background(), "tcp", addr)
}

// URL returns where a browser on this machine finds what listens on addr: the address as it was
// given to Listen, with the port that the listener has.
func URL(scheme, addr string, listener net.Listener) string {
	host, _, _ := net.SplitHostPort(addr)
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "localhost" // All addresses of this machine are no address to go to.
	}
	// A zone's percent sign is escaped (RFC 6874).
	return scheme + "://" + net.JoinHostPort(strings.Replace(host, "%", "%25", 1), port)
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
