//go:build !linux || 386

package sse

import "time"

// Where there is no write that does not block, all writes take turns.

type rawConn = any

func rawConnOf(kernelConn, time.Duration) rawConn { return nil }

func (*socket) bytesReceived() int { return 0 }

type tryWriter struct{}

func (*tryWriter) write(*socket, []byte) (int, error) { return 0, nil }
