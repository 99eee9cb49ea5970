package e2e

import (
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

// A renewal, as certbot does it, one file after the other.
func TestRenewedCertificateIsServedWhileStreamsGoOn(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	dir, renewed := t.TempDir(), t.TempDir()
	if err := makeCertificate(renewed); err != nil {
		t.Fatal(err)
	}
	replace := func(from, name string) {
		t.Helper()
		write(t, filepath.Join(dir, name), read(t, from))
	}
	replace(cert, "cert.pem")
	replace(key, "key.pem")
	s := start(t, "-interval", "100ms", "-cert", filepath.Join(dir, "cert.pem"), "-key", filepath.Join(dir, "key.pem"))
	stream := subscribeWith(t, trusting(t, true), s.url+"/events", "")
	stream.next()

	accepts := func(cert string) error {
		client := trustingIn(t, cert, true) // with a connection of its own
		client.Timeout = 10 * time.Second
		resp, err := client.Get(s.url + "/healthz")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("/healthz: %s", resp.Status)
		}
		return nil
	}
	if err := accepts(cert); err != nil {
		t.Errorf("before the renewal: %v", err)
	}
	replace(filepath.Join(renewed, "cert.pem"), "cert.pem")
	time.Sleep(1500 * time.Millisecond) // It looks once a second.
	if err := accepts(cert); err != nil {
		t.Errorf("amid the renewal: %v", err)
	}
	replace(filepath.Join(renewed, "key.pem"), "key.pem")
	testkit.Eventually(t, func() error { return accepts(filepath.Join(renewed, "cert.pem")) })
	if err := accepts(cert); err == nil {
		t.Error("the old certificate is still served")
	}
	stream.next()
}
