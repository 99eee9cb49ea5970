//go:build !386

package transport

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http/httputil"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"example.com/sse/internal/testkit"

	"golang.org/x/sys/unix"
)

func TestWritingDoesNotWaitForRoom(t *testing.T) { testWritingDoesNotWait(t, true) }

// An app may have made a connection's socket one that blocks, as net.TCPConn.File and os.File.Fd did in
// older versions of Go.
func TestWritingDoesNotWaitForRoomInASocketThatBlocks(t *testing.T) { testWritingDoesNotWait(t, false) }

func testWritingDoesNotWait(t *testing.T, nonblocking bool) {
	reading, writing := testkit.TCP(t)
	raw, err := writing.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) { err = syscall.SetNonblock(int(fd), nonblocking) })
	if err != nil {
		t.Fatal(err)
	}
	sender, s := new(TrySender), new(Watcher).NewSocket(writing, nil)
	batch := bytes.Repeat([]byte("x"), 1<<20)
	var written int64
	// The last write finds no room at all.
	for n := 1; n > 0; written += int64(n) {
		var err error
		if n, err = sender.send(s, batch); err != nil {
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
	if _, err := sender.send(s, batch); err == nil {
		t.Error("writing to a closed connection is no error")
	}
}

func TestWritingToOneWhoIsGoneIsAnError(t *testing.T) {
	reading, writing := testkit.TCP(t)
	reading.(*net.TCPConn).SetLinger(0)
	reading.Close()
	s := new(Watcher).NewSocket(writing, nil)
	testkit.Eventually(t, func() error {
		if _, err := new(TrySender).send(s, []byte("x")); err == nil {
			return errors.New("no error")
		}
		return nil
	})
}

// What a try has left is written after it, and the chunk arrives whole.
func TestRestOfAChunkIsWritten(t *testing.T) {
	reading, writing := testkit.TCP(t)
	s := new(Watcher).NewSocket(writing, nil)
	s.chunked = true
	part := bytes.Repeat([]byte("x"), 64<<20) // more than both sockets have room for
	var f Frame
	rest, err := new(TrySender).Send(s, part, &f)
	if len(rest) == 0 || err != nil {
		t.Fatalf("%d bytes are left, error %v", len(rest), err)
	}
	written := make(chan error, 1)
	go func() {
		err := s.WriteRest(rest)
		s.End()
		written <- err
	}()
	reading.SetDeadline(time.Now().Add(testkit.Limit))
	got, err := io.ReadAll(httputil.NewChunkedReader(reading))
	if !bytes.Equal(got, part) || err != nil {
		t.Errorf("%d bytes of %d arrive, error %v", len(got), len(part), err)
	}
	if err := testkit.Receive(t, written, "the rest is written"); err != nil {
		t.Error(err)
	}
}

// A network that goes silent is the kernel's to notice, and what it keeps for a client is bounded.
func TestSocketsOptions(t *testing.T) {
	_, writing := testkit.TCP(t)
	w := Watcher{UserTimeout: 130 * time.Second}
	w.NewSocket(writing, nil)
	raw, err := writing.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) {
		if timeout, err := unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT); timeout != 130_000 || err != nil {
			t.Errorf("the user timeout is %d ms, error %v", timeout, err)
		}
		if buffer, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF); buffer > 2*sendBuffer || err != nil {
			t.Errorf("the send buffer has %d bytes, error %v", buffer, err)
		}
	})
}

// A client on a Unix socket costs no goroutine either: it is watched, and written to without waiting.
func TestUnixSocketIsWatchedAndTried(t *testing.T) {
	listener, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	reading, err := net.Dial("unix", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	writing, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	var w Watcher
	defer w.Wait()
	defer w.Close()
	owner := make(owner, 1)
	s := w.NewSocket(writing, owner)
	if !s.Tries() {
		t.Error("a write to it may wait")
	}
	if !w.watch(s) {
		t.Fatal("it is not watched")
	}
	reading.Close()
	if why := testkit.Receive(t, owner, "the end is noticed"); IsSilence(why) || errors.Is(why, ErrTooMuchInput) {
		t.Errorf("it has ended by %v", why)
	}
}
