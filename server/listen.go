package server

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"example.com/sse/internal/heard"

	"github.com/kataras/golog"
)

// sendBuffer bounds, in bytes, what the kernel keeps for a client that does not read. Linux
// doubles it. Without the bound the kernel would keep megabytes of answers that are not read.
const sendBuffer = 128 << 10

// A Listener accepts the connections of a server. [Listen] returns one; the zero value is of no use.
type Listener struct {
	net.Listener
	host      string // as it was given to Listen
	path      string // of a Unix socket
	encrypted bool
}

// Listen listens on an address for [Serve]: for HTTPS with a configuration such as [Certificate]'s, and for HTTP
// where it is nil. The address is TCP's, host:port, or "unix:" and the path of a Unix socket, for a proxy on the
// same machine. A socket that another process has left behind is replaced, and one on which somebody listens is an
// error. The umask says who may connect: whoever may write to the file. The file is removed when the listener is closed.
//
// Its connections differ from those of net.Listen:
//
//   - What the kernel keeps of answers that are not read is bounded by 128 KiB, which Linux doubles, instead of megabytes.
//   - They speak no multipath TCP, which has no TCP_USER_TIMEOUT: by that a broker on Linux notices that a client's
//     network is silent.
//   - They send no keep-alive probes, which would take four system calls a connection for nothing: a stream has its
//     heartbeats, HTTP/2 its pings, and all else the time limits of [Configure].
func Listen(addr string, config *tls.Config) (*Listener, error) {
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		inner, err := listenUnix(path)
		if err != nil {
			return nil, err
		}
		return newListener(inner, "", config), nil
	}
	// A connection inherits the buffer of the socket that accepts it.
	listen := net.ListenConfig{KeepAlive: -1, Control: boundSendBuffer}
	listen.SetMultipathTCP(false)
	inner, err := listen.Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, err
	}
	host, _, _ := net.SplitHostPort(addr) // No error: listening has taken the address.
	return newListener(inner, host, config), nil
}

// newListener returns a Listener on a host, or on no host where it is a Unix socket.
func newListener(inner net.Listener, host string, config *tls.Config) *Listener {
	l := &Listener{Listener: inner, host: host, encrypted: config != nil}
	if unix, ok := inner.Addr().(*net.UnixAddr); ok {
		l.path = unix.Name
	}
	if config != nil {
		l.Listener = tls.NewListener(heard.Listener{Listener: inner}, config)
	}
	return l
}

// URL returns the URL by which a browser on this machine finds the server. No browser opens a Unix socket: for one it
// is the URL that other clients take, such as http+unix://%2Frun%2Fsse.sock.
func (l *Listener) URL() string {
	scheme, host := "http", l.host
	if l.encrypted {
		scheme = "https"
	}
	if l.path != "" {
		return scheme + "+unix://" + url.PathEscape(l.path)
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "localhost" // All addresses of this machine are no address to go to.
	}
	_, port, _ := net.SplitHostPort(l.Addr().String()) // the real port, also where Listen was given 0 or a name such as "http"
	// The percent sign before an IPv6 address's zone, as in fe80::1%eth0, is escaped (RFC 6874).
	return scheme + "://" + net.JoinHostPort(strings.Replace(host, "%", "%25", 1), port)
}

// shakeHands does a new connection's handshake in a goroutine that ends with it
// (http.Server.ConnContext). net/http would do it in the goroutine that stays with a connection
// over HTTP/2, whose stack would then stay twice as deep as it needs to be: a client would take 54.6 KiB instead
// of 45.7 (bench, 2,000 clients). Where this goroutine is first, which is the usual case and not certain, net/http
// waits for its handshake and gets the result; otherwise this goroutine waits for net/http's.
func shakeHands(ctx context.Context, conn net.Conn) context.Context {
	if conn, ok := conn.(*tls.Conn); ok {
		begun := make(chan struct{}) // closed when the goroutine runs, so that net/http most likely comes second
		go func() {
			// net/http would recover, too, and end this connection alone.
			defer func() {
				if p := recover(); p != nil {
					golog.Errorf("TLS handshake: panic: %v", p)
					conn.NetConn().Close()
				}
			}()
			close(begun)
			conn.HandshakeContext(ctx) // in the time that net/http has set as the connection's deadline
		}()
		<-begun
		return heard.With(ctx, conn) // for a broker's figures
	}
	return ctx
}
