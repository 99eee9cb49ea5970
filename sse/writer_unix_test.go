//go:build unix

package sse

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"testing"
	"time"
)

func TestWritingDoesNotWaitForRoom(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	reading, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer reading.Close()
	writing, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer writing.Close()

	w, raw := newTryWriter(), rawConnOf(writing)
	stretch := bytes.Repeat([]byte("x"), 1<<20)
	var written int64
	// The last write finds no room at all.
	for n := 1; n > 0; written += int64(n) {
		if n, err = w.write(raw, stretch); err != nil {
			t.Fatal(err)
		}
		if written > 1<<30 {
			t.Fatal("a socket that nobody reads has room for ever")
		}
	}
	writing.Close()
	if received, err := io.Copy(io.Discard, reading); received != written || err != nil {
		t.Errorf("%d bytes of %d arrive, error %v", received, written, err)
	}
	if _, err := w.write(raw, stretch); err == nil {
		t.Error("writing to a closed connection is no error")
	}
}

func TestWriterThatIsAboutToEndLooksAgain(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	raw, err := null.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	c := &client{slot: make(chan []byte, 1), raw: raw}
	b := new(Broker) // The test is its listen.
	forgotten := time.After(time.Minute)
	for range 200_000 {
		for range rand.IntN(3000) { // Until the writer looks into the empty slot, more or less.
		}
		select {
		case c.slot <- payload:
			b.call(c, called)
			b.startWriter()
		case <-forgotten:
			t.Fatal("an offer lies in the slot, and no writer comes")
		}
	}
	eventually(t, "written", func() bool { return c.writer.Load() == idle })
}
