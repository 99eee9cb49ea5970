package program

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	"example.com/sse/sse"
)

// statusEvery is how often systemd is told how many clients there are, where that changes.
const statusEvery = time.Second

// TellSystemd tells systemd (sd_notify(3), a unit of Type=notify) that the server serves, how many clients the broker
// has and, when the context serving ends, that the server is to stop. It goes on until the broker has stopped. Where
// systemd does not ask for that TellSystemd does nothing. The function that it returns waits, for at most 100 ms, until
// all is told.
func TellSystemd(serving context.Context, broker *sse.Broker) (wait func()) {
	socket := os.Getenv("NOTIFY_SOCKET")
	if socket == "" {
		return func() {}
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		clients := func() int64 { return broker.Stats().Clients }
		tellSystemd(serving, broker.Done(), clients, func(state string) {
			if conn, err := net.Dial("unixgram", socket); err == nil {
				conn.Write([]byte(state)) // It may block: only this goroutine waits for it.
				conn.Close()
			}
		})
	}()
	return func() {
		select {
		case <-ended:
		case <-time.After(flushTimeout):
		}
	}
}

// tellSystemd is TellSystemd with the function that sends a state to systemd.
func tellSystemd(serving context.Context, done <-chan struct{}, clients func() int64, tell func(string)) {
	told := clients()
	tell(fmt.Sprintf("READY=1\nSTATUS=%d clients", told))
	ticker := time.NewTicker(statusEvery)
	defer ticker.Stop()
	stopping := serving.Done()
	for {
		select {
		case <-ticker.C:
			if n := clients(); n != told {
				told = n
				tell(fmt.Sprintf("STATUS=%d clients", told))
			}
		case <-stopping:
			stopping = nil
			tell("STOPPING=1")
		case <-done:
			if stopping != nil {
				tell("STOPPING=1")
			}
			return
		}
	}
}
