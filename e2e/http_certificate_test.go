package e2e

import (
	"os/exec"
	"path/filepath"
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
	empty, none := newFile(t, "empty.pem", ""), newFile(t, "secret.pem", secret)
	for _, bad := range []struct{ what, cert, key string }{
		{"a missing certificate", filepath.Join(dir, "none.pem"), key},
		{"a missing key", cert, filepath.Join(dir, "none.pem")},
		{"a directory as certificate", dir, key}, // what root can't read either
		{"a directory as key", cert, dir},
		{"an empty certificate", empty, key},
		{"an empty key", cert, empty},
		{"no certificate", none, key},
		{"no key", cert, none},
		{"swapped", key, cert},
		{"a key of another certificate", cert, otherKey},
	} {
		t.Run(bad.what, func(t *testing.T) {
			refusal(t, 1, "sse: ", exec.CommandContext(limited(t), binary, "-addr", testkit.FreeAddr(t), "-cert", bad.cert, "-key", bad.key))
		})
	}
}
