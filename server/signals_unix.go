//go:build unix

package server

import (
	"os"
	"syscall"
)

// aboutWriting are the signals that a process gets when it writes to a pipe without a reader, and to a terminal from the
// background. Ignored, the write fails or succeeds, and ends nothing.
var aboutWriting = []os.Signal{syscall.SIGPIPE, syscall.SIGTTOU}
