package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"example.com/sse/internal/testkit"
)

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

// trusting returns an HTTP client for streams that trusts the certificate which all tests share, and speaks HTTP/2 or not. It has
// connections of its own.
func trusting(t *testing.T, http2 bool) *http.Client {
	t.Helper()
	cert, _ := certificate(t)
	return trustingIn(t, cert, http2)
}

// trustingIn is trusting with another certificate.
func trustingIn(t *testing.T, cert string, http2 bool) *http.Client {
	t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(read(t, cert))) {
		t.Fatalf("%s holds no certificate", cert)
	}
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: roots},
		ForceAttemptHTTP2: http2,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return testkit.StreamClient(transport)
}
