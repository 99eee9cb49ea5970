package rights

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// minSecret is how long a secret for HS256 is at least, in bytes (RFC 7518, section 3.2).
	minSecret = 32

	// minRSA is how long a key of RSA is at least, in bits (RFC 7518, section 3.3).
	minRSA = 2048

	// maxKeys bounds the keys in a file, all of which are tried for a bad token.
	maxKeys = 16
)

// A key verifies tokens of one algorithm.
type key struct {
	method jwt.SigningMethod
	public any    // as the method takes it; for HS256 the secret
	id     string // what tells it from other keys
	parser *jwt.Parser

	inFile context.Context // done when the key is not in the file any more
	revoke context.CancelFunc
}

func newKey(method jwt.SigningMethod, public any, id []byte) *key {
	k := &key{method: method, public: public, id: string(id)}
	k.parser = jwt.NewParser(jwt.WithValidMethods([]string{method.Alg()}), jwt.WithStrictDecoding(), jwt.WithoutClaimsValidation())
	k.inFile, k.revoke = context.WithCancel(context.Background())
	return k
}

func (k *key) equal(other *key) bool { return k.method == other.method && k.id == other.id }

// parse returns the keys in a file's content, at least one.
func parse(content []byte) ([]*key, error) {
	blocks, err := blocksOf(content)
	if err != nil {
		return nil, err
	}
	if len(blocks) == 0 {
		secret, err := secretOf(content)
		if err != nil {
			return nil, err
		}
		return []*key{newKey(jwt.SigningMethodHS256, secret, secret)}, nil
	}
	if len(blocks) > maxKeys {
		return nil, fmt.Errorf("the file has %d keys, of which all are tried: at most %d", len(blocks), maxKeys)
	}
	var keys []*key
	for i, block := range blocks {
		public, err := publicKey(block)
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i+1, err)
		}
		method, err := methodOf(public)
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i+1, err)
		}
		id, err := x509.MarshalPKIXPublicKey(public)
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i+1, err)
		}
		keys = append(keys, newKey(method, public, id))
	}
	return keys, nil
}

// blocksOf returns the blocks of a PEM file (RFC 7468), which may have other text between them. There are none
// in other files.
func blocksOf(content []byte) (blocks []*pem.Block, err error) {
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
		blocks = append(blocks, block)
	}
	if len(blocks) != bytes.Count(content, []byte("-----BEGIN")) || len(blocks) != bytes.Count(content, []byte("-----END")) {
		return nil, errors.New("a key in PEM is cut off or damaged")
	}
	return blocks, nil
}

// publicKey returns the public key in a block.
func publicKey(block *pem.Block) (public crypto.PublicKey, err error) {
	switch block.Type {
	case "PUBLIC KEY":
		public, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		public, err = x509.ParsePKCS1PublicKey(block.Bytes)
	case "CERTIFICATE":
		var certificate *x509.Certificate
		if certificate, err = x509.ParseCertificate(block.Bytes); err == nil {
			public = certificate.PublicKey
		}
	default:
		if strings.HasSuffix(block.Type, "PRIVATE KEY") {
			return nil, errors.New("it is a private key: leave that with whoever makes tokens, and give the server the public one (openssl pkey -in FILE -pubout -out OTHER)")
		}
		return nil, errors.New("it is no public key")
	}
	if err != nil {
		return nil, errors.New("it is a damaged public key, or of an unknown kind") // The error could show what the file holds.
	}
	return public, nil
}

// methodOf returns the algorithm of a public key (RFC 7518, section 3.1; RFC 8037, section 3.1).
func methodOf(public crypto.PublicKey) (jwt.SigningMethod, error) {
	switch public := public.(type) {
	case *rsa.PublicKey:
		if bits := public.N.BitLen(); bits < minRSA {
			return nil, fmt.Errorf("it has %d bits: a key of RSA needs at least %d", bits, minRSA)
		}
		return jwt.SigningMethodRS256, nil
	case *ecdsa.PublicKey:
		if public.Curve != elliptic.P256() {
			return nil, fmt.Errorf("it is on the curve %s: a key of ECDSA has to be on P-256", public.Curve.Params().Name)
		}
		return jwt.SigningMethodES256, nil
	case ed25519.PublicKey:
		return jwt.SigningMethodEdDSA, nil
	}
	return nil, errors.New("it is neither of RSA nor of ECDSA nor of Ed25519")
}

// secretOf returns the secret that is a file's only line, without the spaces around it and a UTF-8 byte order mark.
// It is taken as it stands, neither decoded from base64 nor from hex. What is meant to be a public key, and
// so is no secret to anybody, is an error.
func secretOf(content []byte) ([]byte, error) {
	secret := bytes.TrimSpace(bytes.TrimPrefix(content, []byte("\ufeff")))
	switch {
	case bytes.HasPrefix(content, []byte("\xff\xfe")) || bytes.HasPrefix(content, []byte("\xfe\xff")):
		return nil, errors.New("the file is UTF-16, as PowerShell's > writes it: save it as ASCII or UTF-8")
	case len(secret) == 0:
		return nil, errors.New("the file is empty")
	case bytes.ContainsAny(secret, "\r\n"):
		return nil, errors.New("the file has neither keys in PEM nor a single line with a secret")
	case bytes.ContainsFunc(secret, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, errors.New("a secret has only ASCII characters, and no space: openssl rand -hex 32 makes one")
	case bytes.HasPrefix(secret, []byte("-----")), bytes.HasPrefix(secret, []byte("{")), bytes.HasPrefix(secret, []byte("[")), isPublicKey(secret):
		return nil, errors.New("the file has a key that is neither in PEM nor a secret")
	case len(secret) < minSecret:
		return nil, fmt.Errorf("the secret has %d bytes: HS256 needs at least %d (openssl rand -hex 32 makes one)", len(secret), minSecret)
	}
	return secret, nil
}

// isPublicKey reports whether a line is a public key or a certificate in base64, as PEM has them between its lines.
func isPublicKey(line []byte) bool {
	der, err := base64.StdEncoding.DecodeString(string(line))
	if err != nil {
		return false
	}
	for _, of := range []string{"PUBLIC KEY", "RSA PUBLIC KEY", "CERTIFICATE"} {
		if _, err := publicKey(&pem.Block{Type: of, Bytes: der}); err == nil {
			return true
		}
	}
	return false
}
