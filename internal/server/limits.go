// Package server holds what keeps the program's HTTP server from harm and main.go
// from growing: how it listens, the limits on what a client may cost, the collection of what
// clients leave behind, the log of what goes wrong, and the certificate, which may change while the
// server runs.
package server

import (
	"log"
	"net/http"
	"time"

	"example.com/sse/internal/unread"

	"github.com/kataras/iris/v12"
)

// Limits bounds what a client may cost, whatever it sends, omits or does not read: neither
// Iris nor net/http sets a limit. It is a configurator for iris.Listener. What an answer leaves unread of its
// request's body is thrown away, within limits, so that the answer arrives.
//
// The write timeout is for every answer but a stream: package sse lifts it once a stream's
// header is out.
func Limits(su *iris.Supervisor) {
	su.Server.ReadHeaderTimeout = 5 * time.Second
	su.Server.ReadTimeout = 5 * time.Second   // with the body
	su.Server.WriteTimeout = 10 * time.Second // a client that does not read what it asked for
	su.Server.IdleTimeout = time.Minute
	su.Server.MaxHeaderBytes = 16 << 10
	su.Server.HTTP2 = &http.HTTP2Config{
		MaxConcurrentStreams: 100, // a connection; a client that wants more opens another
		// A large frame or body would cost 2 MiB a connection. These are the least that
		// HTTP/2 allows (RFC 9113, sections 6.5.2 and 6.9.2). A stream may not have less than
		// its connection: until a client has read the server's settings it may send 64 KiB,
		// which net/http would take for an error.
		MaxReadFrameSize:              16 << 10,
		MaxReceiveBufferPerConnection: 64 << 10,
		MaxReceiveBufferPerStream:     64 << 10,
		MaxEncoderHeaderTableSize:     1, // Remembering the headers it has sent would cost a client 1 KiB.
		// When a connection is dead that only HTTP/2 can tell, or stuck in a write. (A
		// WriteByteTimeout would set a deadline twice an event.)
		SendPingTimeout: 15 * time.Second,
		PingTimeout:     15 * time.Second,
	}
	su.Server.ConnContext = shakeHands
	su.Server.Handler = unread.Handler(su.Server.Handler)
	su.Server.ErrorLog = log.New(&throttle{}, "", 0)
}
