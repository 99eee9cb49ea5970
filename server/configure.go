package server

import (
	"cmp"
	"log"
	"net/http"
	"time"

	"example.com/sse/internal/unread"
)

// Configure bounds what a client of srv may cost, whatever it sends, omits or does not read: net/http
// sets no limit. [Serve] and [ServeIris] call it. What the app has set stays. Call it once, before srv serves.
//
//   - A request's header may take 5 s and 16 KiB, a request with its body 5 s, an answer 10 s to be
//     read, and an idle connection a minute. A stream is no such answer: package sse lifts the time limit
//     once a stream's header is out. A handler that takes longer, to receive a large upload say, sets
//     its own deadlines with http.ResponseController.
//   - An HTTP/2 connection has 100 streams at most, and keeps 64 KiB of unread bodies. When nothing has
//     come for 15 s it is sent a ping, and when no answer comes in 15 s more it is dead. A client takes 1 KiB less
//     memory because the header table is smaller, and 9 KiB less because the TLS handshake runs in a goroutine of its own.
//   - HTTP/2 is spoken without TLS, too, to a client that begins with it (RFC 9113, section 3.3), as proxies can.
//   - What an answer leaves unread of its request's body is thrown away, 1 MiB and 1 s of it at most, so
//     that the answer arrives. For that srv.Handler is wrapped: the writers of requests with a body are of another
//     type, with Unwrap.
//   - Errors of the server are logged with golog, at most a line a second, and nothing waits for a log that blocks. That
//     a client only connects and leaves is no such error.
func Configure(srv *http.Server) {
	srv.ReadHeaderTimeout = cmp.Or(srv.ReadHeaderTimeout, 5*time.Second)
	srv.ReadTimeout = cmp.Or(srv.ReadTimeout, 5*time.Second)    // with the body
	srv.WriteTimeout = cmp.Or(srv.WriteTimeout, 10*time.Second) // a client that does not read what it asked for
	srv.IdleTimeout = cmp.Or(srv.IdleTimeout, time.Minute)
	srv.MaxHeaderBytes = cmp.Or(srv.MaxHeaderBytes, 16<<10)
	if srv.HTTP2 == nil {
		srv.HTTP2 = &http.HTTP2Config{
			MaxConcurrentStreams: 100, // a connection; a client that wants more opens another
			// By default a large frame or body costs 2 MiB a connection. These sizes are the least that
			// HTTP/2 allows (RFC 9113, sections 6.5.2 and 6.9.2). A stream may not have less than
			// its connection: until a client has read the server's settings it may send 64 KiB,
			// which net/http would take for an error.
			MaxReadFrameSize:              16 << 10,
			MaxReceiveBufferPerConnection: 64 << 10,
			MaxReceiveBufferPerStream:     64 << 10,
			MaxEncoderHeaderTableSize:     1, // Remembering the headers it has sent would cost a client 1 KiB.
			// Pings notice a connection that is dead, or stuck in a write. (A WriteByteTimeout would notice
			// that, too, but set a deadline twice an event.)
			SendPingTimeout: 15 * time.Second,
			PingTimeout:     15 * time.Second,
		}
	}
	if srv.Protocols == nil {
		srv.Protocols = new(http.Protocols)
		srv.Protocols.SetHTTP1(true)
		srv.Protocols.SetHTTP2(true)
		srv.Protocols.SetUnencryptedHTTP2(true)
	}
	if srv.ConnContext == nil {
		srv.ConnContext = shakeHands
	}
	if srv.Handler == nil {
		srv.Handler = http.DefaultServeMux // as net/http has it
	}
	srv.Handler = unread.Handler(srv.Handler)
	if srv.ErrorLog == nil {
		srv.ErrorLog = log.New(newThrottle(), "", 0)
	}
}
