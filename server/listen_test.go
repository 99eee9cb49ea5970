package server

import (
	"bytes"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"runtime/debug"
	"strings"
	"testing"

	"example.com/sse/internal/testkit"

	"github.com/kataras/golog"
)

func TestURLCanBeOpenedInABrowser(t *testing.T) {
	for addr, want := range map[string]string{
		":0":          "http://localhost:PORT",
		"0.0.0.0:0":   "http://localhost:PORT",
		"[::]:0":      "http://localhost:PORT",
		"127.0.0.1:0": "http://127.0.0.1:PORT",
		"[::1]:0":     "http://[::1]:PORT",
		"localhost:0": "http://localhost:PORT",
		"[::1%lo]:0":  "http://[::1%25lo]:PORT",
		"127.0.0.1:":  "http://127.0.0.1:PORT",
	} {
		listener, err := Listen(addr, nil)
		if err != nil {
			t.Logf("%s: %v", addr, err) // This machine may have no IPv6.
			continue
		}
		defer listener.Close()
		_, port, err := net.SplitHostPort(listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		got := listener.URL()
		if got != strings.Replace(want, "PORT", port, 1) {
			t.Errorf("%s: %s", addr, got)
		}
		u, err := url.Parse(got)
		if err != nil {
			t.Errorf("%s: %v", addr, err)
			continue
		}
		conn, err := net.DialTimeout("tcp", u.Host, testkit.Limit)
		if err != nil {
			t.Errorf("%s: %v", addr, err)
			continue
		}
		conn.Close()
	}
	listener, err := Listen("127.0.0.1:0", new(tls.Config))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if got := listener.URL(); !strings.HasPrefix(got, "https://127.0.0.1:") {
		t.Errorf("with TLS it is %s", got)
	}
}

func TestNoGoroutineThatStaysShakesHands(t *testing.T) {
	cert, key := makePair(t, 1)
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	const connections = 20
	stacks := make(chan string, connections)
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ConnContext = shakeHands
	server.TLS = &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		stacks <- string(debug.Stack())
		return &pair, nil
	}}
	server.StartTLS()
	defer server.Close()
	config := &tls.Config{InsecureSkipVerify: true, ServerName: "localhost"}
	dialer := &tls.Dialer{NetDialer: &net.Dialer{Timeout: testkit.Limit}, Config: config}
	inServe := 0
	for range connections {
		conn, err := dialer.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if strings.Contains(testkit.Receive(t, stacks, "a handshake"), "net/http.(*conn).serve") {
			inServe++
		}
	}
	// The scheduler may let net/http overtake once in a while.
	if inServe > connections/2 {
		t.Errorf("%d of %d handshakes were net/http's own", inServe, connections)
	}
}

func TestPanicInAHandshakeEndsItsConnectionAlone(t *testing.T) {
	var log bytes.Buffer
	golog.SetOutput(&log)
	defer golog.SetOutput(os.Stdout)
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ConnContext = shakeHands
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.TLS = &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if hello.ServerName == "panics" {
			panic("on purpose")
		}
		return nil, nil
	}}
	server.StartTLS()
	for _, name := range []string{"panics", "works"} {
		config := &tls.Config{InsecureSkipVerify: true, ServerName: name}
		dialer := &tls.Dialer{NetDialer: &net.Dialer{Timeout: testkit.Limit}, Config: config}
		conn, err := dialer.Dial("tcp", server.Listener.Addr().String())
		if err == nil {
			conn.Close()
		}
		if (err == nil) != (name == "works") {
			t.Errorf("%s: %v", name, err)
		}
	}
	server.Close() // What is logged before is there after it.
	if !strings.Contains(log.String(), "TLS handshake: panic: on purpose") {
		t.Errorf("the log says %q", log.String())
	}
}
