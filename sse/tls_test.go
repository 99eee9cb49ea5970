package sse

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"example.com/sse/sse/internal/transport"
)

// dialTLS sends a request through TLS, over HTTP/1.1, and reads the header.
func dialTLS(t *testing.T, server *httptest.Server) (*tls.Conn, stream) {
	t.Helper()
	config := server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	config.NextProtos = nil
	config.ServerName = "example.com"
	conn := tls.Client(dial(t, server), config)
	fmt.Fprint(conn, "GET /events HTTP/1.1\r\nHost: test\r\n\r\n")
	return conn, readResponse(t, conn)
}

func newTLSServer(t *testing.T) (*Broker, *httptest.Server) {
	t.Helper()
	b, app := newApp(t)
	server := httptest.NewTLSServer(app)
	t.Cleanup(func() {
		shutdown(t, b)
		server.Close()
	})
	return b, server
}

func TestTLSClientsThatDisconnectAreUnregistered(t *testing.T) {
	b, server := newTLSServer(t)
	for _, disconnect := range []func(*tls.Conn){
		func(conn *tls.Conn) { conn.Close() },      // says goodbye
		func(conn *tls.Conn) { conn.CloseWrite() }, // says goodbye, and stays
		func(conn *tls.Conn) { conn.NetConn().Close() },
		func(conn *tls.Conn) { conn.NetConn().(*net.TCPConn).SetLinger(0); conn.NetConn().Close() },
	} {
		conn, _ := dialTLS(t, server)
		eventually(t, "registered", func() bool { return b.Stats().Clients == 1 })
		disconnect(conn)
		eventually(t, "unregistered", func() bool { return b.Stats().Clients == 0 })
	}
}

// What a TLS client sends is read by a goroutine, which ends after a while; then the client is
// watched again.
func TestTLSClientThatHasSentALittleIsWatchedAgain(t *testing.T) {
	t.Parallel()
	b, server := newTLSServer(t)
	conn, _ := dialTLS(t, server)
	fmt.Fprint(conn, "a little")
	time.Sleep(2 * time.Second) // Where that is too short, the goroutine notices the end.
	conn.Close()
	eventually(t, "unregistered", func() bool { return b.Stats().Clients == 0 })
}

func TestTLSClientThatSendsMuchIsCutOff(t *testing.T) {
	b, server := newTLSServer(t)
	conn, s := dialTLS(t, server)
	fmt.Fprint(conn, "a little")
	b.Notifier <- Event{ID: 1}
	s.want(t, 1, "")
	for range transport.MaxInput {
		if _, err := io.WriteString(conn, "x"); err != nil {
			break
		}
	}
	eventually(t, "unregistered", func() bool { return b.Stats().Clients == 0 })
}

// newTLSCertificate returns httptest's own certificate.
func newTLSCertificate(t *testing.T) tls.Certificate {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	return server.TLS.Certificates[0]
}

func TestHTTP1OverTLS(t *testing.T) {
	b, app := newApp(t)
	server := httptest.NewTLSServer(app)
	defer server.Close()
	s := openWith(t, server.Client(), server.URL, "Last-Event-ID", "0")
	if s.response.ProtoMajor != 1 {
		t.Error(s.response.Proto)
	}
	for id := range int64(50) {
		b.Notifier <- Event{ID: id + 1, Data: make([]byte, 1<<16)}
		s.want(t, id+1, string(make([]byte, 1<<16)))
	}
	shutdown(t, b)
	s.wantEnd(t)
}
