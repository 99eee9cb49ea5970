package e2e

import (
	"encoding/base64"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/sse/internal/rights"
)

// The command signs with keys that OpenSSL has made, and the server takes what it signs; OpenSSL itself confirms
// the signatures of RSA and Ed25519.
func TestTokenCommandSignsWithOpenSSLsKeys(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []string{"RSA", "EC", "ed25519"} {
		private, public := keyPair(t, algorithm)
		_, other := keyPair(t, algorithm)
		token := makeToken(t, private, "-subscribe", "mail/anna", "-publish", "chat/*")
		keys, warning, err := rights.Load(public, rights.Options{})
		if err != nil || warning != "" {
			t.Fatal(warning, err)
		}
		got, err := keys.Verify(token, time.Now())
		if err != nil || !slices.Equal(got.Subscribe, rights.Topics{"mail/anna"}) || !slices.Equal(got.Publish, rights.Topics{"chat/*"}) {
			t.Errorf("%s: %+v, %v", algorithm, got, err)
		}
		others, _, err := rights.Load(other, rights.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := others.Verify(token, time.Now()); err == nil {
			t.Errorf("%s: another key accepts it", algorithm)
		}
		if _, _, err := rights.Load(private, rights.Options{}); err == nil || !strings.Contains(err.Error(), "private key") {
			t.Errorf("%s: the private key for the server: %v", algorithm, err)
		}
		dot := strings.LastIndex(token, ".")
		signature, err := base64.RawURLEncoding.DecodeString(token[dot+1:])
		if err != nil {
			t.Fatal(err)
		}
		text, sig := newFile(t, "text", token[:dot]), newFile(t, "signature", string(signature))
		verify := map[string][]string{
			"RSA":     {"dgst", "-sha256", "-verify", public, "-signature", sig, text},
			"ed25519": {"pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin", "-in", text, "-sigfile", sig},
		}[algorithm]
		if verify == nil {
			continue // OpenSSL takes signatures of ECDSA in another form (RFC 7518, section 3.4).
		}
		if out, err := exec.Command("openssl", verify...).CombinedOutput(); err != nil {
			t.Errorf("%s: OpenSSL says %v\n%s", algorithm, err, out)
		}
	}
}

// What the tests sign themselves is what the command signs, and what the server takes.
func TestTokenCommandSignsWithASecret(t *testing.T) {
	t.Parallel()
	file := secretFile(t)
	keys, warning, err := rights.Load(file, rights.Options{})
	if err != nil || warning != "" {
		t.Fatal(warning, err)
	}
	expires := time.Now().Add(time.Hour).Unix()
	for what, token := range map[string]string{
		"the command's": makeToken(t, file, "-subscribe", "mail/anna", "-subscribe", "", "-ttl", "1h"),
		"the tests'":    signed(`{"alg":"HS256"}`, claimsOf(expires, "mail/anna", ""), swordfish),
	} {
		got, err := keys.Verify(token, time.Now())
		if err != nil || !slices.Equal(got.Subscribe, rights.Topics{"mail/anna", ""}) || got.Expires.Unix() < expires {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
		header, rest, _ := strings.Cut(token, ".")
		claims, _, _ := strings.Cut(rest, ".")
		decode := func(part string) string {
			text, err := base64.RawURLEncoding.DecodeString(part)
			if err != nil {
				t.Error(err)
			}
			return string(text)
		}
		if again := signed(decode(header), decode(claims), swordfish); again != token {
			t.Errorf("%s: signed again it is %s, not %s", what, again, token)
		}
	}
}
