//go:build !linux

package store

// forget is for Linux.
func forget(string) {}
