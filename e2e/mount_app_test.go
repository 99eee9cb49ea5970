package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

// startApp starts the app that the README shows. It waits until that serves.
func startApp(t *testing.T) *server {
	t.Helper()
	addr := testkit.FreeAddr(t)
	program := ""
	for _, b := range blocksOf(t, "README.md") {
		if b.language == "go" && strings.HasPrefix(b.text, "package main\n") {
			program = b.text
		}
	}
	source := newFile(t, "main.go", strings.ReplaceAll(program, `":8080"`, fmt.Sprintf("%q", addr)))
	app := filepath.Join(filepath.Dir(source), "app")
	if err := build(app, "..", source, "CGO_ENABLED=0"); err != nil {
		t.Fatal(err)
	}
	s := newServer(t, addr, "http://"+addr, app)
	s.restart()
	return s
}

// An app of one's own keeps the promises that this program keeps.
func TestReadmesAppHasTheProgramsLimitsAndStops(t *testing.T) {
	t.Parallel()
	need(t, "/proc/net/tcp", "Linux")
	for name, s := range map[string]*server{"the program": start(t, "-interval", "1s"), "the app": startApp(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			subscribe(t, s.url+"/events", "").next()

			// HTTP/2 without TLS, as a proxy speaks it.
			plain := &http.Transport{Protocols: new(http.Protocols)}
			plain.Protocols.SetUnencryptedHTTP2(true)
			t.Cleanup(plain.CloseIdleConnections)
			over2, cancel, err := open(testkit.StreamClient(plain), s.url+"/events", "")
			if err != nil {
				t.Fatal(err)
			}
			defer time.AfterFunc(testkit.Limit, cancel).Stop()
			if over2.ProtoMajor != 2 {
				t.Errorf("it speaks %s", over2.Proto)
			}
			events := testkit.NewParser(over2.Body)
			if _, err := events.Next(); err != nil {
				t.Error(err)
			}

			resp, err := send(t, s, "GET /nothing HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("x", 32<<10)+"\r\n\r\n")
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
				t.Errorf("a header of 32 KiB: %s", resp.Status)
			}

			unfinished := dial(t, s)
			if _, err := io.WriteString(unfinished, "GET / HTTP/1.1\r\nHost: x\r\nX: "); err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, unfinished); err != nil { // within the test's limit
				t.Errorf("a header that does not end: %v", err)
			}

			unread := dial(t, s)
			unread.(*net.TCPConn).SetReadBuffer(4 << 10)
			unread.SetDeadline(time.Now().Add(time.Second)) // It takes less than all, and then no more.
			io.WriteString(unread, strings.Repeat("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", 60_000))
			testkit.Eventually(t, func() error { // A server that is busy may not have begun to answer.
				n := unacknowledged(t, unread)
				if n > 384<<10 {
					t.Fatalf("the kernel keeps %d KiB of answers that are not read", n>>10)
				}
				if n < 10<<10 {
					return fmt.Errorf("the kernel keeps %d KiB of answers that are not read", n>>10)
				}
				return nil
			})
			unread.Close()

			// It does not end by itself: somebody has to cut it off.
			hangs := dial(t, s)
			if _, err := io.WriteString(hangs, "POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			s.stop()
			for err == nil {
				_, err = events.Next()
			}
			if err != io.EOF {
				t.Errorf("the stream over HTTP/2 ends with %v", err)
			}
		})
	}
}
