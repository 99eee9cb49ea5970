//go:build !linux

package store

// forget does nothing: what it does on Linux is not done on other systems.
func forget(string) {}
