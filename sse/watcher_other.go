//go:build !linux || 386

package sse

// Where there is no epoll, every hijacked connection has a goroutine that waits for its end.
type watcher struct{ off bool }

func (*Broker) watch(*client) bool { return false }

func (*Broker) disconnected(*client) {}

func (*watcher) close() {}
