// Limit is no server that anyone would run, but what one would expect none to go below: one
// goroutine that writes ready bytes to raw sockets, or an event of a topic to the topic's one. It keeps
// nothing, watches nobody, and waits for whoever does not read.
package main

import (
	"bytes"
	"fmt"
	"log"
	"net/netip"
	"strings"
	"sync"
	"time"

	"example.com/sse/bench/rivals/demo"

	"golang.org/x/sys/unix"
)

const header = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nConnection: close\r\n\r\n"

func main() {
	f := demo.Parse()
	c := &connections{fds: make(chan int, 1<<16)}
	go c.accept(netip.MustParseAddrPort(f.Addr))
	if f.Topics > 0 {
		log.Fatal(f.Publish(c.publish))
	}
	var clients []int
	var ready []byte
	id := time.Now().UnixMicro()
	for next := time.Now().Add(f.Interval); ; {
		time.Sleep(time.Until(next))
		// What came due during the last round goes out together, as ready bytes do.
		ready = ready[:0]
		for ; !next.After(time.Now()); next = next.Add(f.Interval) {
			id++
			ready = fmt.Appendf(ready, "id: %d\ndata: %s\n\n", id, demo.Payload(next))
		}
		for range len(c.fds) {
			clients = append(clients, <-c.fds)
		}
		for i := 0; i < len(clients); i++ {
			if write(clients[i], ready) != nil {
				unix.Close(clients[i])
				clients[i] = clients[len(clients)-1]
				clients = clients[:len(clients)-1]
				i--
			}
		}
	}
}

func write(fd int, b []byte) error {
	for len(b) > 0 {
		n, err := unix.Write(fd, b)
		if err != nil && err != unix.EINTR {
			return err
		}
		b = b[max(n, 0):]
	}
	return nil
}

// connections are the sockets of the clients, which have one topic at most.
type connections struct {
	fds     chan int // those of everybody
	byTopic sync.Map // the descriptor of each topic's client
}

// publish writes an event to the topic's client, if there is one.
func (c *connections) publish(topic string, id int64, payload []byte) error {
	if fd, ok := c.byTopic.Load(topic); ok {
		write(fd.(int), fmt.Appendf(nil, "id: %d\ndata: %s\n\n", id, payload)) // Nobody watches who has left.
	}
	return nil
}

// accept answers clients.
func (c *connections) accept(addr netip.AddrPort) {
	listener, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		log.Fatal(err)
	}
	unix.SetsockoptInt(listener, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	if err := unix.Bind(listener, &unix.SockaddrInet4{Addr: addr.Addr().As4(), Port: int(addr.Port())}); err != nil {
		log.Fatal(err)
	}
	if err := unix.Listen(listener, 4096); err != nil {
		log.Fatal(err)
	}
	buf := make([]byte, 4096)
	for {
		fd, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
		if err != nil {
			log.Print(err)
			continue
		}
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) // as Go's net package does
		n, err := unix.Read(fd, buf)                                  // The load's requests come in one piece.
		if err != nil || !bytes.HasSuffix(buf[:max(n, 0)], []byte("\r\n\r\n")) || write(fd, []byte(header)) != nil {
			unix.Close(fd)
			continue
		}
		target, _, _ := strings.Cut(string(buf[:n]), " HTTP/")
		if _, topic, ok := strings.Cut(target, "?topic="); ok {
			c.byTopic.Store(topic, fd)
		} else {
			c.fds <- fd
		}
	}
}
