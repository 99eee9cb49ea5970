package server

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"example.com/sse/internal/files"
)

// Certificate returns a TLS configuration for HTTP/2 and HTTP/1.1 with the certificate and the
// private key in two PEM files. What the files hold later is taken without a restart, for
// connections from then on. While the certificate and the key do not match, as in the middle of a
// renewal, the last pair that did is used. The error says why the files can't be used now. An
// encrypted key can never be used.
func Certificate(certFile, keyFile string) (*tls.Config, error) {
	pair, err := files.Open("certificate", func(contents [][]byte) (*tls.Certificate, error) {
		certPEM, keyPEM := contents[0], contents[1]
		pair, err := tls.X509KeyPair(certPEM, keyPEM)
		if err != nil {
			if encrypted(keyPEM) {
				err = errors.New("the private key is encrypted, and there is nobody to ask for its password: " +
					"write it without one (openssl pkey -in FILE -out OTHER)")
			}
			return nil, fmt.Errorf("%s, %s: %w", certFile, keyFile, err)
		}
		return &pair, nil
	}, certFile, keyFile)
	if err != nil {
		return nil, err
	}
	get := func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return pair.Get(), nil }
	return &tls.Config{GetCertificate: get, NextProtos: []string{"h2", "http/1.1"}}, nil
}

// encrypted reports whether a PEM file holds an encrypted key: PKCS #8 (RFC 5958, section 3) or, as
// OpenSSL once wrote it, with a header (RFC 1421, section 4.6.1.1).
func encrypted(keyPEM []byte) bool {
	for block, rest := pem.Decode(keyPEM); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "ENCRYPTED PRIVATE KEY" || strings.HasSuffix(block.Headers["Proc-Type"], ",ENCRYPTED") {
			return true
		}
	}
	return false
}
