//go:build !linux || 386

package transport

import "time"

// Where there is no way to send without blocking, [Socket.Tries] is always false, and no TrySender is ever asked to send.

type rawConn = any

func rawConnOf(kernelConn, time.Duration) rawConn { return nil }

func (*Socket) bytesReceived() int { return 0 }

// A TrySender sends nothing.
type TrySender struct{}

func (*TrySender) send(*Socket, []byte) (int, error) { return 0, nil }
