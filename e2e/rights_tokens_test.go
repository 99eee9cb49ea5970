package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sse/internal/testkit"
)

// swordfish is the tests' secret for HS256.
const swordfish = "swordfish-swordfish-swordfish-swordfish"

// secretFile returns a file for -jwt-key-file with the tests' secret.
func secretFile(t *testing.T) string {
	t.Helper()
	return newFile(t, "secret", swordfish+"\n")
}

// keyPair returns files with a private key and its public one, which OpenSSL makes: "ed25519", "RSA" or "EC".
func keyPair(t *testing.T, algorithm string) (private, public string) {
	t.Helper()
	need(t, "openssl", "apt-get install openssl")
	dir := t.TempDir()
	private, public = filepath.Join(dir, "private.pem"), filepath.Join(dir, "public.pem")
	generate := []string{"genpkey", "-algorithm", algorithm, "-out", private}
	switch algorithm {
	case "RSA":
		generate = append(generate, "-pkeyopt", "rsa_keygen_bits:2048")
	case "EC":
		generate = append(generate, "-pkeyopt", "ec_paramgen_curve:P-256")
	}
	for _, args := range [][]string{generate, {"pkey", "-in", private, "-pubout", "-out", public}} {
		if out, err := exec.Command("openssl", args...).CombinedOutput(); err != nil {
			t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	return private, public
}

// makeToken returns a token as the program's command makes it with the key in a file. The flags are the
// command's: "-subscribe", "mail/anna", "-ttl", "5s" and so on.
func makeToken(t *testing.T, keyFile string, flags ...string) string {
	t.Helper()
	cmd := exec.Command(binary, append([]string{"token", "-key", keyFile}, flags...)...)
	testkit.EndWithTest(cmd)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", strings.Join(cmd.Args, " "), err)
	}
	return strings.TrimSpace(string(out))
}

// signed returns a token with a header and claims as they stand, signed by HS256 with a secret, without the
// library that the program uses: so it may be as wrong as a test wants it.
func signed(header, claims, secret string) string {
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(header)) + "." + encode([]byte(claims))
	hash := hmac.New(sha256.New, []byte(secret))
	hash.Write([]byte(text))
	return text + "." + encode(hash.Sum(nil))
}

// claimsOf returns claims that expire at a time, in seconds since 1970, and may read some topics.
func claimsOf(expires int64, topics ...string) string {
	list := ""
	for _, topic := range topics {
		list += fmt.Sprintf(",%q", topic)
	}
	return fmt.Sprintf(`{"exp":%d,"sse":{"subscribe":[%s]}}`, expires, strings.TrimPrefix(list, ","))
}
