//go:build unix

package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
	"example.com/sse/sse"
)

func TestUnixSocketThatWasLeftBehindIsReplacedAndALiveOneIsNot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	first, err := Listen("unix:"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Listen("unix:"+path, nil); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "somebody listens") {
		t.Errorf("a second server on it: %v", err)
	}
	first.Listener.(*net.UnixListener).SetUnlinkOnClose(false) // as where it was killed
	first.Close()
	second, err := Listen("unix:"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	second.Close()
	if _, err := os.Lstat(path); err == nil {
		t.Error("it is still there after its end")
	}
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen("unix:"+path, nil); err == nil {
		t.Error("it replaces a file that is no socket")
	}
	if content, err := os.ReadFile(path); string(content) != "mine" {
		t.Errorf("the file is %q, %v", content, err)
	}
	if _, err := Listen("unix:"+filepath.Join(path, "s"), nil); err == nil {
		t.Error("no error for a path that can't be")
	}
}

func TestURLOfAUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b.sock")
	for scheme, config := range map[string]*tls.Config{"http": nil, "https": {}} {
		listener, err := Listen("unix:"+path, config)
		if err != nil {
			t.Fatal(err)
		}
		want := scheme + "+unix://" + strings.ReplaceAll(strings.ReplaceAll(path, "/", "%2F"), " ", "%20")
		if got := listener.URL(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		listener.Close()
	}
}

// A stream over a Unix socket keeps its promises: events come, who does not read delays nobody and is bounded, and who
// leaves is noticed.
func TestStreamsOverAUnixSocket(t *testing.T) {
	for way := range ways {
		t.Run(way, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "s")
			listener, err := Listen("unix:"+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			broker := sse.NewBroker()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			served := make(chan error, 1)
			go func() { served <- ways[way](ctx, listener, broker) }()
			dial := func() net.Conn {
				conn, err := net.Dial("unix", path)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { conn.Close() })
				fmt.Fprint(conn, "GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
				return conn
			}
			stalled, leaving := dial(), dial()
			waitForClients(t, broker, 2)
			leaving.Close()
			waitForClients(t, broker, 1)
			transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", path) }}
			response, err := testkit.StreamClient(transport).Get("http://localhost/events")
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			waitForClients(t, broker, 2)
			events := make(chan testkit.Event)
			go func() {
				defer close(events)
				for parser := testkit.NewParser(response.Body); ; {
					event, err := parser.Next()
					if err != nil {
						return
					}
					events <- event
				}
			}()
			for n := range 40 { // 2 MB, of which the kernel keeps some hundred KB for who does not read
				data := fmt.Sprint(n, strings.Repeat("x", 50_000))
				if err := broker.Publish(t.Context(), sse.Event{Data: []byte(data)}); err != nil {
					t.Fatal(err)
				}
				if got := testkit.Receive(t, events, "the event"); got.Data != data {
					t.Fatalf("got %.20q, want %.20q", got.Data, data)
				}
			}
			fmt.Fprint(stalled, strings.Repeat("x", 5<<10)) // Whoever sends too much is cut off, also while it does not read.
			waitForClients(t, broker, 1)
			cancel()
			if err := testkit.Receive(t, served, "the end of the server"); err != nil {
				t.Error(err)
			}
			if _, ok := <-events; ok {
				t.Error("another event")
			}
			stalled.SetReadDeadline(time.Now().Add(testkit.Limit))
			n, err := 0, error(nil)
			for buf := make([]byte, 64<<10); err == nil; {
				var more int
				more, err = stalled.Read(buf)
				n += more
			}
			if n > 1<<20 {
				t.Errorf("the kernel kept %d bytes", n)
			}
			if _, err := net.Dial("unix", path); err == nil || !strings.Contains(err.Error(), syscall.ENOENT.Error()) {
				t.Errorf("the socket after the end: %v", err)
			}
		})
	}
}
