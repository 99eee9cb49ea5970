//go:build !unix

package server

import (
	"os"
	"syscall"
)

// aboutWriting is the signal that a process gets when it writes to a pipe without a reader.
var aboutWriting = []os.Signal{syscall.SIGPIPE}
