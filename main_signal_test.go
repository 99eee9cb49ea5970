//go:build unix

package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"example.com/sse/internal/testkit"
	"example.com/sse/sse"
)

func TestSignalEndsTheStreamsAndExits0(t *testing.T) {
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			cmd, url, stdout := start(t)
			var streams []io.Reader
			for range 5 {
				response, err := testkit.Client.Get(url + "/events")
				if err != nil {
					t.Fatal(err)
				}
				defer response.Body.Close()
				streams = append(streams, response.Body)
			}
			waitForStats(t, url, func(stats sse.Stats) bool { return stats.Clients == 5 })
			cmd.Process.Signal(sig)
			for _, stream := range streams {
				if _, err := io.ReadAll(stream); err != nil {
					t.Errorf("the stream ends with %v", err)
				}
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("exit: %v", err)
			}
			if n := strings.Count(stdout.String(), "Removed client. "); n != 5 {
				t.Errorf("%d of 5 clients logged as removed:\n%s", n, stdout)
			}
			if _, err := testkit.Client.Get(url); err == nil {
				t.Error("it still serves")
			}
		})
	}
}

// withStalledClient starts a server with a client that does not read, and for which more is pending
// than the kernel takes: the server waits for it when it is to end.
func withStalledClient(t *testing.T) *exec.Cmd {
	t.Helper()
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("swordfish\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd, url, _ := start(t, "-interval", "1000h", "-publish-token-file", token)
	conn, err := net.DialTimeout("tcp", strings.TrimPrefix(url, "http://"), testkit.Limit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.(*net.TCPConn).SetReadBuffer(1)
	io.WriteString(conn, "GET /events HTTP/1.1\r\nHost: test\r\n\r\n")
	waitForStats(t, url, func(stats sse.Stats) bool { return stats.Clients == 1 })
	for range 20 { // 1 MB, of which the kernel takes a quarter; 16 MiB later the client would be cut off
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/events", strings.NewReader(strings.Repeat("x", 50_000)))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer swordfish")
		response, err := testkit.Client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusNoContent {
			t.Fatalf("publishing: %s", response.Status)
		}
	}
	waitForStats(t, url, func(stats sse.Stats) bool { return stats.Clients == 1 && stats.Events == 20 })
	return cmd
}

func TestSignalExits0EvenIfAClientDoesNotRead(t *testing.T) {
	cmd := withStalledClient(t)
	cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Errorf("exit: %v", err)
	}
}

// The server is stopped while the signals are sent, so that both are there before it waits for
// the client, however busy the machine is.
func TestSecondSignalExitsAtOnce(t *testing.T) {
	cmd := withStalledClient(t)
	for _, sig := range []os.Signal{syscall.SIGSTOP, syscall.SIGTERM, os.Interrupt, syscall.SIGCONT} {
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
	}
	cmd.Wait()
	if !cmd.ProcessState.Sys().(syscall.WaitStatus).Signaled() {
		t.Errorf("it waited for the client: %v", cmd.ProcessState)
	}
}

func TestHangupIsIgnoredUnderNohup(t *testing.T) {
	nohup, err := exec.LookPath("nohup")
	if err != nil {
		t.Skip(err)
	}
	addr := testkit.FreeAddr(t)
	cmd, _, stderr := command(t, "-addr", addr)
	cmd.Path, cmd.Args = nohup, append([]string{"nohup"}, cmd.Args...)
	serve(t, cmd, stderr, addr)
	if sigs := ignored(t, cmd); sigs&(1<<(syscall.SIGHUP-1)) == 0 {
		t.Errorf("the signals that it ignores are %x, without SIGHUP", sigs)
	}
}

// A terminal sends SIGTTOU to a process in the background that writes to it, if it was told so.
func TestSignalsAboutTheLogAreIgnored(t *testing.T) {
	cmd, _, _ := start(t)
	if sigs, want := ignored(t, cmd), uint64(1<<(syscall.SIGPIPE-1)|1<<(syscall.SIGTTOU-1)); sigs&want != want {
		t.Errorf("the signals that it ignores are %x, without some of %x", sigs, want)
	}
}

// ignored returns the set of the signals that a process ignores.
func ignored(t *testing.T, cmd *exec.Cmd) uint64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	if err != nil {
		t.Skip(err) // no Linux
	}
	_, mask, _ := strings.Cut(string(status), "\nSigIgn:\t")
	mask, _, _ = strings.Cut(mask, "\n")
	set, err := strconv.ParseUint(mask, 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	return set
}
