package store

import "golang.org/x/sys/windows"

// fullErrors are the errors of a system that has no room.
var fullErrors = []windows.Errno{windows.ERROR_DISK_FULL, windows.ERROR_HANDLE_DISK_FULL}
