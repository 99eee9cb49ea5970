package e2e

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestHTTPSKeepsTheSamePromises(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	for _, protocol := range []struct {
		name  string
		major int
	}{{"HTTP/2", 2}, {"HTTP/1.1", 1}} {
		t.Run(protocol.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, "-interval", "300ms", "-cert", cert, "-key", key)
			client := trusting(t, cert, protocol.major == 2)

			begun := time.Now()
			live := subscribeWith(t, client, s.url+"/events", "")
			if took := time.Since(begun); took > time.Second {
				t.Errorf("the head came after %v", took)
			}
			if live.resp.ProtoMajor != protocol.major {
				t.Fatalf("it speaks %s", live.resp.Proto)
			}
			var ids []int64
			for range 4 {
				id, _ := live.next(2 * time.Second)
				ids = append(ids, id)
			}
			resumed := subscribeWith(t, client, s.url+"/events", fmt.Sprint(ids[0]))
			for _, want := range ids[1:] {
				if id, _ := resumed.next(2 * time.Second); id != want {
					t.Errorf("after %d: got %d, want %d", ids[0], id, want)
				}
			}
			resumed.close()
			eventually(t, 5*time.Second, func() error {
				if body := get(t, client, s.url+"/stats"); !strings.Contains(string(body), `"clients":1,`) {
					return fmt.Errorf("want one client: %s", body)
				}
				return nil
			})

			begun = time.Now()
			if code := s.stop(); code != 0 {
				t.Errorf("exit code %d", code)
			}
			if took := time.Since(begun); took > 2*time.Second {
				t.Errorf("stopping took %v", took)
			}
			if err := live.end(time.Second); err != io.EOF {
				t.Errorf("the stream ended with %v", err)
			}
		})
	}
}

// One HTTP/2 connection carries many streams.
func TestManyStreamsShareAnHTTP2Connection(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	s := start(t, "-interval", "100ms", "-cert", cert, "-key", key)
	client := trusting(t, cert, true)
	dials := 0
	dialer := new(net.Dialer)
	client.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		dials++ // One request after another: no lock.
		return dialer.DialContext(ctx, network, addr)
	}
	var streams []*stream
	for range 100 {
		streams = append(streams, subscribeWith(t, client, s.url+"/events", ""))
	}
	newest, _ := streams[99].next(5 * time.Second)
	for i, stream := range streams {
		for id := int64(0); id < newest; {
			id, _ = stream.next(5 * time.Second)
		}
		if i%2 == 0 {
			stream.close()
		}
	}
	for _, stream := range streams[1:] {
		if stream.err == nil {
			stream.next(5 * time.Second) // The others' leaving is none of its business.
			break
		}
	}
	if dials != 1 {
		t.Errorf("the client made %d connections", dials)
	}
}

func TestHTTPSCutsOffWhoNeverShakesHands(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	s := start(t, "-cert", cert, "-key", key)
	conn := dial(t, s)
	conn.SetReadDeadline(time.Now().Add(15 * time.Second))
	if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("it is still connected after 15 s")
	}
}

func TestBadCertificateIsOneLineAndExitCode1(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	_, otherKey := certificate(t)
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(dir, "secret.pem")
	if err := os.WriteFile(secret, []byte("swordfish"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []struct{ what, cert, key string }{
		{"a missing certificate", filepath.Join(dir, "none.pem"), key},
		{"a missing key", cert, filepath.Join(dir, "none.pem")},
		{"a directory as certificate", dir, key}, // what root can't read either
		{"a directory as key", cert, dir},
		{"an empty certificate", empty, key},
		{"an empty key", cert, empty},
		{"no certificate", secret, key},
		{"no key", cert, secret},
		{"swapped", key, cert},
		{"a key of another certificate", cert, otherKey},
	} {
		t.Run(bad.what, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			var stdout, stderr strings.Builder
			cmd := exec.CommandContext(ctx, binary, "-addr", freeAddr(t), "-cert", bad.cert, "-key", bad.key)
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			cmd.Run()
			if code := cmd.ProcessState.ExitCode(); code != 1 {
				t.Errorf("exit code %d", code)
			}
			line := stderr.String()
			if strings.Count(line, "\n") != 1 || !strings.HasPrefix(line, "sse: ") || stdout.Len() > 0 {
				t.Errorf("stderr %q, stdout %q", line, stdout.String())
			}
			if strings.Contains(line, "swordfish") {
				t.Errorf("it tells the file's content: %q", line)
			}
		})
	}
}

// Iris would open a second port that redirects to the first.
func TestHTTPSListensOnNoOtherPort(t *testing.T) {
	t.Parallel()
	need(t, "/proc/self/net/tcp", "Linux")
	cert, key := certificate(t)
	s := start(t, "-cert", cert, "-key", key)
	if got := listeners(t, s.pid()); len(got) != 1 {
		t.Errorf("it listens on %d ports (local addresses in hex): %v", len(got), got)
	}
}

// listeners returns the local addresses on which a process listens, as /proc has them.
func listeners(t *testing.T, pid int) (addrs []string) {
	t.Helper()
	sockets := make(map[string]bool) // by inode
	fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if target, err := os.Readlink(fd); err == nil {
			sockets[target] = true
		}
	}
	for _, table := range []string{"tcp", "tcp6"} {
		file, err := os.Open(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		if err != nil {
			continue // no IPv6 here
		}
		defer file.Close()
		for lines := bufio.NewScanner(file); lines.Scan(); {
			const listening = "0A"
			f := strings.Fields(lines.Text())
			if len(f) > 9 && f[3] == listening && sockets["socket:["+f[9]+"]"] {
				addrs = append(addrs, f[1])
			}
		}
	}
	return addrs
}

// certificate makes a pair of files for 127.0.0.1 and localhost, with the command that the
// README shows.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	generate := filepath.Join(strings.TrimSpace(string(root)), "src/crypto/tls/generate_cert.go")
	cmd := exec.Command("go", "run", generate, "-ecdsa-curve", "P256", "-host", "localhost,127.0.0.1")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
}

// trusting returns an HTTP client that trusts a certificate, and speaks HTTP/2 or not.
func trusting(t *testing.T, cert string, http2 bool) *http.Client {
	t.Helper()
	pem, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		t.Fatalf("%s holds no certificate", cert)
	}
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: roots},
		ForceAttemptHTTP2: http2,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}
