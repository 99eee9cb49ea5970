package server

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kataras/golog"
)

// lookAgainAfter is how old the last look at the certificate's files may be at a handshake.
const lookAgainAfter = time.Second

// Certificate returns a TLS configuration for HTTP/2 and HTTP/1.1 with the certificate and the
// private key in two PEM files. What the files hold later is taken without a restart, for
// connections from then on; while the two do not fit, as in the middle of a
// renewal, the last pair that did stays. Its error says why the files can't be used now: a key
// that is encrypted never can.
func Certificate(certFile, keyFile string) (*tls.Config, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile}
	if _, err := c.load(); err != nil {
		return nil, err
	}
	c.lookedAt = time.Now()
	return &tls.Config{GetCertificate: c.get, NextProtos: []string{"h2", "http/1.1"}}, nil
}

// A certificate is a pair of files and the last pair that fitted.
type certificate struct {
	certFile, keyFile string
	current           atomic.Pointer[tls.Certificate]

	mu sync.Mutex // protects what follows
	// certPEM and keyPEM are what current was parsed from. Comparing them and not the
	// files' times notices every change.
	certPEM, keyPEM []byte
	lookedAt        time.Time
	failing         bool // the last look failed, and was logged
}

// get returns the certificate for a handshake (tls.Config.GetCertificate).
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	// No handshake waits for another one's look: a disk may hang.
	if c.mu.TryLock() {
		defer c.mu.Unlock()
		if now := time.Now(); now.Sub(c.lookedAt) >= lookAgainAfter {
			c.lookedAt = now
			c.lookAgain()
		}
	}
	return c.current.Load(), nil
}

// lookAgain takes what the files hold now, and logs what changes: once that they can't be used,
// however often a client comes.
func (c *certificate) lookAgain() {
	changed, err := c.load()
	switch {
	case err != nil && !c.failing:
		golog.Errorf("certificate: %v; the last one is kept", err)
	case err == nil && changed:
		golog.Info("certificate: renewed")
	}
	c.failing = err != nil
}

// load reads the files. When they have changed and fit, they are the current certificate.
func (c *certificate) load() (changed bool, err error) {
	certPEM, err := os.ReadFile(c.certFile)
	if err != nil {
		return false, err
	}
	keyPEM, err := os.ReadFile(c.keyFile)
	if err != nil {
		return false, err
	}
	if bytes.Equal(certPEM, c.certPEM) && bytes.Equal(keyPEM, c.keyPEM) {
		return false, nil
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		if encrypted(keyPEM) {
			err = errors.New("the private key is encrypted, and there is nobody to ask for its password: " +
				"write it without one (openssl pkey -in FILE -out OTHER)")
		}
		return false, fmt.Errorf("%s, %s: %w", c.certFile, c.keyFile, err)
	}
	c.certPEM, c.keyPEM = certPEM, keyPEM
	c.current.Store(&pair)
	return true, nil
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
