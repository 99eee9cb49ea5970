//go:build unix

package server

import (
	"os"
	"syscall"
)

var aboutWriting = []os.Signal{syscall.SIGPIPE, syscall.SIGTTOU}
