package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"example.com/sse/internal/testkit"
)

func TestBadCertificateIsOneLineAndExitCode1(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	dir := t.TempDir()
	if err := makeCertificate(dir); err != nil {
		t.Fatal(err)
	}
	otherKey := filepath.Join(dir, "key.pem")
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
			ctx, cancel := context.WithTimeout(t.Context(), testkit.Limit)
			defer cancel()
			var stdout, stderr strings.Builder
			cmd := exec.CommandContext(ctx, binary, "-addr", testkit.FreeAddr(t), "-cert", bad.cert, "-key", bad.key)
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

// certificate returns a pair of files for 127.0.0.1 and localhost, which all tests share.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	dir, err := sharedCertificate()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
}

var sharedCertificate = sync.OnceValues(func() (dir string, err error) {
	return filepath.Dir(binary), makeCertificate(filepath.Dir(binary))
})

// makeCertificate makes cert.pem and key.pem with the command that docs/operating.md shows.
func makeCertificate(dir string) error {
	cmd := exec.Command("sh", "-c", `go run "$(go env GOROOT)/src/crypto/tls/generate_cert.go" -ecdsa-curve P256 -host localhost,127.0.0.1`)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
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
	return testkit.StreamClient(transport)
}
