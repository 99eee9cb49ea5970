//go:build !unix

package server

import "syscall"

// boundSendBuffer does nothing: package sse bounds the buffer of each stream.
func boundSendBuffer(_, _ string, _ syscall.RawConn) error { return nil }
