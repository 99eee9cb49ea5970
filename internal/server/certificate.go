package server

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kataras/golog"
	"github.com/kataras/iris/v12"
)

// lookAgainAfter is how old the last look at the certificate's files may be at a handshake.
const lookAgainAfter = time.Second

// Certificate returns a configurator for iris.TLS that serves with the certificate and the
// private key in two PEM files. What the files hold later is taken without a restart, for
// connections from then on; while the two do not fit, as in the middle of a
// renewal, the last pair that did stays. Its error says why the files can't be used now.
func Certificate(certFile, keyFile string) (func(*iris.Supervisor), error) {
	c := &certificate{certFile: certFile, keyFile: keyFile}
	if _, err := c.load(); err != nil {
		return nil, err
	}
	c.lookedAt = time.Now()
	return func(su *iris.Supervisor) {
		// With a configuration of its own the supervisor needs no files. The protocols are
		// those that a client may choose from; the rest is crypto/tls's choice.
		su.Server.TLSConfig = &tls.Config{
			GetCertificate: c.get,
			NextProtos:     []string{"h2", "http/1.1"},
		}
		su.Server.ConnContext = shakeHands
	}, nil
}

// shakeHands does a new connection's handshake in a goroutine that ends with it
// (http.Server.ConnContext). net/http would do it in the goroutine that stays with a connection
// over HTTP/2, whose stack then stays twice as deep as it needs to be: 16 KiB. As it is,
// net/http waits for this handshake, and gets its result.
func shakeHands(ctx context.Context, conn net.Conn) context.Context {
	if conn, ok := conn.(*tls.Conn); ok {
		begun := make(chan struct{}) // so that net/http comes second
		go func() {
			// net/http would recover, too, and end this connection alone.
			defer func() {
				if p := recover(); p != nil {
					golog.Errorf("TLS handshake: panic: %v", p)
					conn.NetConn().Close()
				}
			}()
			close(begun)
			conn.HandshakeContext(ctx) // within net/http's deadline
		}()
		<-begun
	}
	return ctx
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
		return false, err
	}
	c.certPEM, c.keyPEM = certPEM, keyPEM
	c.current.Store(&pair)
	return true, nil
}
