//go:build unix

package server

import (
	"os"
	"syscall"
)

// aboutWriting are the signals that a process gets when it writes to a pipe without a reader, and to a terminal from the
// background. Where they are ignored, the write returns an error or succeeds, and the process goes on.
var aboutWriting = []os.Signal{syscall.SIGPIPE, syscall.SIGTTOU}
