package testkit

import (
	"fmt"
	"net"
	"strings"
	"testing"
)

const takenPorts = 200

func TestVictimTakesPorts(t *testing.T) {
	victim(t)
	for range takenPorts {
		fmt.Println("took", FreeAddr(t))
	}
	// The socket of one that has its port stays open until this process ends.
	if len(reservations.sockets) != takenPorts {
		t.Error("not all are reserved")
	}
}

func TestAddressIsFree(t *testing.T) {
	t.Parallel()
	for range 10 {
		listener, err := net.Listen("tcp", FreeAddr(t))
		if err != nil {
			t.Fatal(err)
		}
		listener.Close()
	}
}

// With so many ports taken, two processes that did not know of each other would get some of them
// both: the chance that they do not is below one in a million.
func TestNoTwoProcessesGetTheSamePort(t *testing.T) {
	t.Parallel()
	taken := make(map[string]bool)
	for range 2000 {
		taken[FreeAddr(t)] = true
	}
	output, code := runVictims(t, "TakesPorts", "-test.v")
	if code != 0 {
		t.Fatalf("exit code %d:\n%s", code, output)
	}
	n := 0
	for line := range strings.Lines(output) {
		if addr, ok := strings.CutPrefix(strings.TrimSpace(line), "took "); ok {
			n++
			if taken[addr] {
				t.Errorf("another process got %s, too", addr)
			}
		}
	}
	if n != takenPorts {
		t.Errorf("the other process got %d ports of %d:\n%s", n, takenPorts, output)
	}
}
