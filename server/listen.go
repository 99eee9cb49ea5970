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
// doubles it. By itself it would take megabytes of answers that nobody reads.
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
// error. The umask says who may connect: whoever may write to the file. It is removed when the listener is closed.
//
// What the kernel keeps for a connection is bounded: 128 KiB, which Linux doubles, of answers that are not read,
// instead of megabytes. And its connections do without two things that net.Listen gives them. Multipath TCP has no
// TCP_USER_TIMEOUT, by which a broker notices that a client's network is silent. And keep-alive
// probes are four system calls a connection for nothing: a stream has its heartbeats, HTTP/2
// its pings, and all else the time limits of [Configure].
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
	host, _, _ := net.SplitHostPort(addr) // It was good to listen.
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

// URL returns where a browser on this machine finds the server. No browser opens a Unix socket: its URL is what
// clients take that do, such as http+unix://%2Frun%2Fsse.sock.
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
	_, port, _ := net.SplitHostPort(l.Addr().String()) // 0 and names are numbers there.
	// A zone's percent sign is escaped (RFC 6874).
	return scheme + "://" + net.JoinHostPort(strings.Replace(host, "%", "%25", 1), port)
}

// shakeHands does a new connection's handshake in a goroutine that ends with it
// (http.Server.ConnContext). net/http would do it in the goroutine that stays with a connection
// over HTTP/2, whose stack then stays twice as deep as it needs to be: a client takes 45.7 KiB instead
// of 54.6 (bench, 2,000 clients). As it is,
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
		return heard.With(ctx, conn) // for a broker's figures
	}
	return ctx
}
