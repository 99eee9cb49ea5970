package transport

import (
	"errors"
	"syscall"
)

// A Transport is a client's way out: a [Socket] or a [Handler]. Only one goroutine at a time calls its methods, but for
// CutOff, which any goroutine may call.
type Transport interface {
	// Open writes the response's header and the first part of the stream. Like Write it blocks
	// until the client has room, or is cut off.
	Open(part []byte) error

	// Write writes a part of the stream, which is not empty. The frame is the calling goroutine's own.
	Write(part []byte, f *Frame) error

	// End ends the stream cleanly, after all that was written. It does not wait.
	End()

	// CutOff ends the stream at once, and with it a write that blocks. It does not wait. After End it does nothing.
	CutOff()
}

// An Owner has a socket, and is told of its end.
type Owner interface {
	// ConnectionEnded says that the connection has ended, and is closed. It is called once, by a goroutine that other
	// sockets may have to wait for. The error why is ErrTooMuchInput, or one of which IsSilence is true. Nil and any other
	// error, such as io.EOF, mean that the client has left, or that the owner has ended the stream or cut it off.
	ConnectionEnded(why error)
}

// MaxInput is how many bytes a client may send after its request. They mean nothing,
// and are read only because reading is how a disconnect is noticed.
const MaxInput = 4 << 10

var (
	// ErrTooMuchInput is why a connection has ended whose client has sent more than MaxInput.
	ErrTooMuchInput = errors.New("the client has sent too much after its request")

	// errSilent is why a connection has ended over HTTP/2 whose client did not answer a ping.
	errSilent = errors.New("the client was not heard of for too long")

	// errCutOff is why a stream has ended that was cut off, or whose client has left.
	errCutOff = errors.New("the stream was cut off")
)

// IsSilence tells whether the error with which a write has failed, or a connection has ended, means that the network was
// silent: nothing that was sent was acknowledged for too long (TCP_USER_TIMEOUT), a ping was not answered, or a router
// has said meanwhile that there is no way to the client.
func IsSilence(err error) bool {
	for _, silent := range []error{errSilent, syscall.ETIMEDOUT, syscall.EHOSTUNREACH, syscall.ENETUNREACH} {
		if errors.Is(err, silent) {
			return true
		}
	}
	return false
}
