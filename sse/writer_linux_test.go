//go:build !386

package sse

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"syscall"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

// tcp returns a connection's two ends.
func tcp(t *testing.T) (reading, writing net.Conn) {
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

func TestWritingDoesNotWaitForRoom(t *testing.T) { testWritingDoesNotWait(t, true) }

// An app may have made a connection's socket one that blocks, as net.TCPConn.File and os.File.Fd did in
// older versions of Go.
func TestWritingDoesNotWaitForRoomInASocketThatBlocks(t *testing.T) { testWritingDoesNotWait(t, false) }

func testWritingDoesNotWait(t *testing.T, nonblocking bool) {
	reading, writing := tcp(t)
	raw, err := writing.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) { err = syscall.SetNonblock(int(fd), nonblocking) })
	if err != nil {
		t.Fatal(err)
	}
	b := NewBroker()
	defer shutdown(t, b)
	w, s := new(trySender), newClient(b, writing).socket
	batch := bytes.Repeat([]byte("x"), 1<<20)
	var written int64
	// The last write finds no room at all.
	for n := 1; n > 0; written += int64(n) {
		var err error
		if n, err = w.send(s, batch); err != nil {
			t.Fatal(err)
		}
		if written > 1<<30 {
			t.Fatal("a socket that nobody reads has room for ever")
		}
	}
	writing.Close()
	reading.SetDeadline(time.Now().Add(testkit.Limit))
	if received, err := io.Copy(io.Discard, reading); received != written || err != nil {
		t.Errorf("%d bytes of %d arrive, error %v", received, written, err)
	}
	if _, err := w.send(s, batch); err == nil {
		t.Error("writing to a closed connection is no error")
	}
}

func TestWritingToOneWhoIsGoneIsAnError(t *testing.T) {
	reading, writing := tcp(t)
	reading.(*net.TCPConn).SetLinger(0)
	reading.Close()
	b := NewBroker()
	defer shutdown(t, b)
	s := newClient(b, writing).socket
	eventually(t, "an error", func() bool {
		_, err := new(trySender).send(s, payload)
		return err != nil
	})
}

func TestWriterThatIsAboutToEndLooksAgain(t *testing.T) {
	reading, writing := tcp(t)
	go io.Copy(io.Discard, reading)
	b := NewBroker()
	defer shutdown(t, b)
	c := newClient(b, writing)
	c.outbox.state.Store(idle)
	w := newWriters() // The test is their listen.
	forgotten := time.NewTimer(testkit.Limit)
	for range 200_000 {
		forgotten.Reset(testkit.Limit)
		for range rand.IntN(3000) { // Until the writer looks into the empty outbox, more or less.
		}
		select {
		case c.outbox.batch <- batch{bytes: payload}:
			if c.outbox.state.Swap(dirty) == idle {
				w.add(c, &w.lanes[few])
			}
			w.start()
		case <-forgotten.C:
			t.Fatal("a batch is pending, and no writer comes")
		}
	}
}
