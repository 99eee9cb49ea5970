package rights

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"example.com/sse/internal/testkit"

	"github.com/golang-jwt/jwt/v5"
)

func TestMain(m *testing.M) { os.Exit(testkit.Main(m, nil)) }

// now is when the tests verify. Their tokens expire an hour later.
var now = time.Unix(1795345092, 0)

const (
	secret = "0123456789abcdef0123456789abcdef"
	head   = `{"typ":"JWT","alg":"HS256"}`
	claims = `{"exp":1795348692,"sse":{"subscribe":["mail/anna","news"],"publish":["chat/*"]}}`
)

// sign returns a token with a header and claims as they stand.
func sign(t testing.TB, method jwt.SigningMethod, key any, header, claims string) string {
	t.Helper()
	text := encode(header) + "." + encode(claims)
	signature, err := method.Sign(text, key)
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + encode(string(signature))
}

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// signHS256 is sign with the secret.
func signHS256(t testing.TB, claims string) string {
	t.Helper()
	return sign(t, jwt.SigningMethodHS256, []byte(secret), head, claims)
}

// load returns the keys in a file with a content.
func load(t testing.TB, content string, o Options) *Keys {
	t.Helper()
	keys, warning, err := Load(write(t, content), o)
	if err != nil || warning != "" {
		t.Fatal(warning, err)
	}
	return keys
}

// write returns a file with a content, which only its owner can read.
func write(t testing.TB, content string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "keys")
	rewrite(t, file, content)
	return file
}

func rewrite(t testing.TB, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A pair is a private key with its public one in PEM.
type pair struct {
	alg     string
	method  jwt.SigningMethod
	private crypto.Signer
	public  string
}

// token returns a token with the tests' claims.
func (p pair) token(t testing.TB) string {
	t.Helper()
	return sign(t, p.method, p.private, fmt.Sprintf(`{"alg":%q}`, p.alg), claims)
}

// pairs are two keys of each algorithm. To make those of RSA takes a moment.
var pairs = sync.OnceValue(func() (made []pair) {
	for range 2 {
		private, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		made = append(made, pair{"RS256", jwt.SigningMethodRS256, private, ""})
	}
	for range 2 {
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err)
		}
		made = append(made, pair{"ES256", jwt.SigningMethodES256, private, ""})
	}
	for range 2 {
		_, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			panic(err)
		}
		made = append(made, pair{"EdDSA", jwt.SigningMethodEdDSA, private, ""})
	}
	for i := range made {
		made[i].public = pkix(made[i].private.Public())
	}
	return made
})

// pkix returns a public key in PEM.
func pkix(public crypto.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		panic(err)
	}
	return pemOf("PUBLIC KEY", der)
}

// pkcs8 returns a private key in PEM.
func pkcs8(private any) string {
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		panic(err)
	}
	return pemOf("PRIVATE KEY", der)
}

func pemOf(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}
