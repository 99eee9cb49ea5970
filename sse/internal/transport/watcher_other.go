//go:build !linux || 386

package transport

// Where there is no epoll, every socket has a goroutine that waits for its end.
type epoll struct{}

func (*epoll) watch(*Socket) bool { return false }

func (*epoll) disconnected(*Socket, error) {}

func (*epoll) Close() {}

func (*epoll) Wait() {}
