//go:build !linux || 386

package sse

import "time"

// Where there is no way to send without blocking, no socket tries, and no trySender is ever asked to send.

type rawConn = any

func rawConnOf(kernelConn, time.Duration) rawConn { return nil }

func (*socket) bytesReceived() int { return 0 }

type trySender struct{}

func (*trySender) send(*socket, []byte) (int, error) { return 0, nil }
