package testkit

import (
	"net"
	"testing"
)

// TCP returns the two ends of a connection over the loopback network. The test closes them at its end.
func TCP(t testing.TB) (reading, writing net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if reading, err = net.Dial("tcp", listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reading.Close() })
	if writing, err = listener.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { writing.Close() })
	return reading, writing
}
