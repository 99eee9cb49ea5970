package testkit

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"syscall"
	"testing"
)

// minPort and maxPort bound the ports of FreeAddr. They lie below the ports that systems give to
// outgoing connections: one of thousands of clients could take the port while its server is down,
// and the restart would fail.
const minPort, maxPort = 12000, 32000

// reservations keeps the sockets that reserve ports open until the process ends: a client of an
// earlier test may still try to reconnect to its port.
var reservations struct {
	sync.Mutex
	sockets []net.PacketConn
}

// FreeAddr returns a loopback address for a server, on which nobody listens. No other call
// returns the same, in this process and in all others on this machine, until this process ends.
// What reserves it is the UDP port of the same number, which the system frees with the process.
func FreeAddr(t testing.TB) string {
	t.Helper()
	for range 1000 {
		addr := fmt.Sprintf("127.0.0.1:%d", minPort+rand.IntN(maxPort-minPort))
		reservation, err := net.ListenPacket("udp", addr)
		if err != nil {
			continue
		}
		// To listen instead would not do: a process that is being started has all sockets for a moment.
		conn, err := net.DialTimeout("tcp", addr, Limit)
		if !errors.Is(err, syscall.ECONNREFUSED) {
			reservation.Close()
			if err == nil {
				conn.Close()
			}
			continue
		}
		reservations.Lock()
		defer reservations.Unlock()
		reservations.sockets = append(reservations.sockets, reservation)
		return addr
	}
	t.Fatal("no port is free")
	return ""
}
