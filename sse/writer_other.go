//go:build !linux || 386

package sse

import "net"

// Where there is no write that does not block, every write gets a goroutine.

type rawConn = any

func rawConnOf(*net.TCPConn) rawConn { return nil }

type tryWriter struct{}

func newTryWriter() *tryWriter { return nil }

func (*tryWriter) write(*socket, []byte) (int, error) { return 0, nil }
