// Package transport takes a stream to the client of a request, over whatever way net/http offers: it knows nothing of what
// is in the stream, nor who else gets it. Its user is called the stream's owner here.
//
// There are two transports:
//
//	transport  for                             what it is
//	Socket     HTTP/1, plain or over TLS       a connection that was taken from net/http ([Watcher.Hijack])
//	Handler    HTTP/2, and connections that    the request's handler, which stays as long as the stream
//	           a middleware does not give
//
// Both promise the same ([Transport]), to one goroutine at a time, which writes:
//
//	step       what it does                                  when it blocks
//	Open       writes the response's header and the first    until the client has room, or is cut off
//	           part of the stream
//	Write      writes a part                                 likewise
//	End        ends the stream after all that was written,   never
//	           so that the client can tell it from a cut
//	CutOff     ends the stream at once, and with it a step   never, and any goroutine may call it
//	           that blocks; after End it does nothing
//
// One more way to write is what lets one goroutine serve many clients: a [TrySender] sends as much of a part as a socket
// has room for, and never blocks. It needs Linux and a socket without TLS ([Socket.Tries]). Nobody else may rely on a
// write not to block: TLS writes inside its Read, too, and HTTP/2 shares a connection among streams.
//
// None of these steps tells the owner that the client has left, nor that the stream has ended: a step that fails is an
// error, after which the owner cuts off. Exactly one goroutine notices the end of a connection, whoever has caused it:
//
//	transport               who notices the end                                  how the owner learns of it
//	Socket, on Linux        one goroutine for all sockets, with epoll            Owner.ConnectionEnded
//	Socket, elsewhere       a goroutine for each socket, which waits in Read     Owner.ConnectionEnded
//	Handler                 the request's own goroutine, in [Handler.Wait]       Wait returns
//
// What a client sends after its request is read and thrown away; more than [MaxInput] of it ends the connection.
//
// The files, in the order in which to read them:
//
//   - transport.go: what a transport and its owner promise each other
//   - socket.go, head.go and chunk.go: a connection of one's own, the response's header, and the body in chunks
//   - socket_linux.go: to send without blocking
//   - watcher.go and watcher_linux.go: who notices the end of a socket's connection
//   - handler.go: a stream that is written through its request's handler
//   - unwrap.go: what lies below a middleware's writer
//   - socket_other.go and watcher_other.go: systems without epoll
package transport
