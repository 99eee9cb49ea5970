//go:build !windows

package store

import "syscall"

// fullErrors are the errors of a system that has no room: on the disk, for its user, or in the file.
var fullErrors = []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG}
