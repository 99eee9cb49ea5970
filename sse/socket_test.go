package sse

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sse/internal/testkit"
	"example.com/sse/sse/internal/transport"
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

// An app may close a connection itself, which epoll does not tell.
func TestSocketThatTheAppClosesIsNoticedAtTheNextWrite(t *testing.T) {
	b, app := newApp(t)
	server := httptest.NewUnstartedServer(app)
	conns := make(chan net.Conn, 1)
	server.Config.ConnState = func(conn net.Conn, state http.ConnState) {
		if state == http.StateHijacked {
			conns <- conn
		}
	}
	server.Start()
	defer server.Close()
	defer shutdown(t, b)
	dialStalled(t, server)
	eventually(t, "registered", func() bool { return b.Stats().Clients == 1 })
	testkit.Receive(t, conns, "the connection is hijacked").Close()
	if err := b.Publish(t.Context(), Event{}); err != nil {
		t.Fatal(err)
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
		time.Sleep(DefaultHeartbeat + (2 * DefaultHeartbeat) + 2*DefaultHeartbeat)
		if stats := b.Stats(); stats.Clients != 0 || stats.SlowClients != 1 {
			t.Errorf("after its time: %+v", stats)
		}
		shutdown(t, b)
	})
}

func TestHTTP10ClientGetsAStreamThatEndsWithItsConnection(t *testing.T) {
	b, server := newServer(t)
	conn := dial(t, server)
	fmt.Fprint(conn, "GET /events HTTP/1.0\r\nLast-Event-ID: 0\r\n\r\n")
	s := readResponse(t, conn)
	response := s.response
	if response.TransferEncoding != nil || response.ContentLength != -1 || !response.Close {
		t.Errorf("transfer encoding %q, length %d, close %v", response.TransferEncoding, response.ContentLength, response.Close)
	}
	send(t, b, 1)
	s.want(t, 1, "1")
	shutdown(t, b)
	s.wantEnd(t)
}

func TestClientThatSendsMuchIsCutOff(t *testing.T) {
	b, server := newServer(t)
	conn := dialStalled(t, server)
	eventually(t, "registered", func() bool { return b.Stats().Clients == 1 })
	io.WriteString(conn, strings.Repeat("x", transport.MaxInput))
	io.WriteString(conn, "x")
	eventually(t, "unregistered", func() bool { return b.Stats().Clients == 0 })
}

func TestLittleInputIsIgnored(t *testing.T) {
	b, server := newServer(t)
	conn := dialStalled(t, server)
	s := readResponse(t, conn)
	io.WriteString(conn, "GET /events HTTP/1.1\r\nHost: test\r\n\r\n") // A pipelined request.
	eventually(t, "registered", func() bool { return b.Stats().Clients == 1 })
	b.Notifier <- Event{ID: 1}
	s.want(t, 1, "")
	if ever := b.Stats().ClientsTotal; ever != 1 {
		t.Errorf("%d clients registered", ever)
	}
}
