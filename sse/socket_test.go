package sse

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sse/internal/testkit"
)

// withoutEpoll has newApp's brokers wait for the end of each connection with a goroutine.
var withoutEpoll bool

// Both ways to notice a disconnect pass the same tests.
func TestWithoutEpoll(t *testing.T) {
	withoutEpoll = true
	defer func() { withoutEpoll = false }()
	for name, test := range map[string]func(*testing.T){
		"abruptly":  TestAbruptlyVanishingClientsLeaveNothing,
		"halfway":   TestHalfClosedConnectionIsGone,
		"much":      TestClientThatSendsMuchIsCutOff,
		"little":    TestLittleInputIsIgnored,
		"shutdown":  TestShutdownEndsAllStreamsAndCutsOffWhoDoesNotRead,
		"slow":      TestClientThatNeverReadsDelaysNobodyAndIsCutOff,
		"cut":       TestClientThatIsCutOffIsReset,
		"TLS":       TestHTTP1OverTLS,
		"TLS leave": TestTLSClientsThatDisconnectAreUnregistered,
		"TLS input": TestTLSClientThatSendsMuchIsCutOff,
		"come, go":  TestClientsComeAndGoWhileEventsFlow,
	} {
		t.Run(name, test)
	}
}

func TestHalfClosedConnectionIsGone(t *testing.T) {
	b, server := newServer(t)
	conn := dialStalled(t, server)
	eventually(t, "registered", func() bool { return b.Stats().Clients == 1 })
	conn.(*net.TCPConn).CloseWrite()
	eventually(t, "unregistered", func() bool { return b.Stats().Clients == 0 })
}

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

func TestTLSClientThatSendsMuchIsCutOff(t *testing.T) {
	b, server := newTLSServer(t)
	conn, s := dialTLS(t, server)
	fmt.Fprint(conn, "a little")
	b.Notifier <- Event{ID: 1}
	s.want(t, 1, "")
	for range maxInput {
		if _, err := io.WriteString(conn, "x"); err != nil {
			break
		}
	}
	eventually(t, "unregistered", func() bool { return b.Stats().Clients == 0 })
}

// What a client that is cut off does not read must not stay in the kernel.
func TestClientThatIsCutOffIsReset(t *testing.T) {
	b, server := newServer(t)
	conn := dialStalled(t, server)
	eventually(t, "registered", func() bool { return b.Stats().Clients == 1 })
	for b.Stats().SlowClients == 0 {
		if b.Stats().Events > 10_000 {
			t.Fatal("the client is not cut off")
		}
		if err := b.Publish(t.Context(), Event{Data: make([]byte, 64<<10)}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "unregistered", func() bool { return b.Stats().Clients == 0 })
	if _, err := io.Copy(io.Discard, conn); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the connection ends with %v, want a reset", err)
	}
}

func TestHeadThatNobodyReadsIsNoticedAsAStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, l := newPipeServer(t)
		request(l, "")
		synctest.Wait()
		if clients := b.Stats().Clients; clients != 1 {
			t.Errorf("%d clients are registered", clients)
		}
		time.Sleep(heartbeatInterval + stallTimeout + 2*heartbeatInterval)
		if stats := b.Stats(); stats.Clients != 0 || stats.SlowClients != 1 {
			t.Errorf("after its time: %+v", stats)
		}
		shutdown(t, b)
	})
}

func TestShutdownCutsOffAHeadThatNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, l := newPipeServer(t)
		request(l, "")
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.Shutdown(ctx); err == nil || !strings.Contains(err.Error(), " 1 ") {
			t.Errorf("Shutdown says %v", err)
		}
		synctest.Wait()
		if clients := b.Stats().Clients; clients != 0 {
			t.Errorf("%d clients are left", clients)
		}
	})
}

// Who joins while Shutdown begins with a context that has ended is cut off like the others.
func TestShutdownWithAnEndedContextLeavesNobody(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for range 200 {
		b := NewBroker()
		var joining sync.WaitGroup
		for range 4 {
			joining.Go(func() {
				c := &client{outbox: newOutbox()}
				ours, theirs := net.Pipe() // Nobody reads.
				defer ours.Close()
				c.socket.init(theirs)
				c.outbox.begin()
				if b.join(c) {
					b.waitForEnd(c)
				}
			})
		}
		b.Shutdown(ended)
		testkit.Return(t, joining.Wait, "all are cut off")
	}
}

func TestGoodbyeOverTLSBlocksNobody(t *testing.T) {
	certificate := newTLSCertificate(t)
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer ours.Close()
		client := tls.Client(ours, &tls.Config{InsecureSkipVerify: true})
		conn := tls.Server(theirs, &tls.Config{Certificates: []tls.Certificate{certificate}})
		go client.Handshake()
		if err := conn.Handshake(); err != nil {
			t.Fatal(err)
		}
		// From now on nobody reads.
		var s socket
		s.init(conn)
		start := time.Now()
		s.end()
		if took := time.Since(start); took > 0 {
			t.Errorf("it took %v", took)
		}
		time.Sleep(time.Minute) // The goodbye is given up by then.
	})
}

// newTLSCertificate returns httptest's own certificate.
func newTLSCertificate(t *testing.T) tls.Certificate {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	return server.TLS.Certificates[0]
}
