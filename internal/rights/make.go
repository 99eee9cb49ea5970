package rights

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"example.com/sse/internal/text"

	"github.com/golang-jwt/jwt/v5"
)

// Make returns a token that says what t does, and the options' audience and issuer where they are not empty. It is
// signed with the only key in a file's content: a secret for HS256, or a private key of RSA, of ECDSA on P-256
// or of Ed25519 in PEM (PKCS #8, PKCS #1, SEC 1). The error, which does not tell what the file holds, says why there
// is no token.
func Make(content []byte, t Token, o Options) (string, error) {
	if slices.ContainsFunc(slices.Concat(t.Subscribe, t.Publish), func(topic string) bool { return !text.IsTopic(topic) }) {
		return "", errors.New("a topic is not one line of UTF-8 without control characters, of at most 256 bytes")
	}
	method, private, err := privateKey(content)
	if err != nil {
		return "", err
	}
	claims := jwt.MapClaims{"exp": t.Expires.Unix(), "sse": struct {
		Subscribe Topics `json:"subscribe,omitempty"`
		Publish   Topics `json:"publish,omitempty"`
	}{t.Subscribe, t.Publish}}
	if o.Audience != "" {
		claims["aud"] = o.Audience
	}
	if o.Issuer != "" {
		claims["iss"] = o.Issuer
	}
	token, err := jwt.NewWithClaims(method, claims).SignedString(private)
	if err == nil && len(token) > maxToken {
		err = errors.New("the token would be longer than 8 KiB: name fewer topics")
	}
	if err != nil {
		return "", err
	}
	return token, nil
}

// privateKey returns the key in a file's content, and its algorithm.
func privateKey(content []byte) (method jwt.SigningMethod, private any, err error) {
	blocks, err := blocksOf(content)
	if err != nil {
		return nil, nil, err
	}
	if len(blocks) == 0 {
		secret, err := secretOf(content)
		return jwt.SigningMethodHS256, secret, err
	}
	blocks = slices.DeleteFunc(blocks, func(block *pem.Block) bool { return block.Type == "EC PARAMETERS" }) // openssl ecparam -genkey
	if len(blocks) != 1 {
		return nil, nil, fmt.Errorf("the file has %d keys, and a token is signed with one", len(blocks))
	}
	signer, err := parsePrivate(blocks[0])
	if err != nil {
		return nil, nil, err
	}
	method, err = methodOf(signer.Public())
	return method, signer, err
}

// parsePrivate returns the private key in a block.
func parsePrivate(block *pem.Block) (signer crypto.Signer, err error) {
	switch {
	case block.Type == "ENCRYPTED PRIVATE KEY", strings.HasSuffix(block.Headers["Proc-Type"], ",ENCRYPTED"):
		return nil, errors.New("the private key is encrypted: write it without a password (openssl pkey -in FILE -out OTHER)")
	case block.Type == "PRIVATE KEY":
		var private any
		if private, err = x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
			signer, _ = private.(crypto.Signer)
		}
	case block.Type == "RSA PRIVATE KEY":
		signer, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case block.Type == "EC PRIVATE KEY":
		signer, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		return nil, errors.New("it is no private key: a token is made with the private one")
	}
	if err != nil || signer == nil {
		return nil, errors.New("the private key is damaged, or of an unknown kind") // The error could show what the file holds.
	}
	return signer, nil
}
