package e2e

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"example.com/sse/internal/rights"
	"example.com/sse/internal/testkit"
)

// A signer makes tokens for the servers that get its file.
type signer struct {
	t    *testing.T
	file string // for -jwt-key-file
	key  string // what the file holds at first
}

// newSigner returns a signer with a secret of its own.
func newSigner(t *testing.T) *signer {
	t.Helper()
	secret := make([]byte, 32)
	rand.Read(secret)
	s := &signer{t, filepath.Join(t.TempDir(), "key"), hex.EncodeToString(secret)}
	s.write(s.key)
	return s
}

// write replaces what the file holds.
func (s *signer) write(content string) {
	s.t.Helper()
	replace(s.t, s.file, content)
}

// waitUntilTaken waits until a server takes tokens of the key.
func (s *signer) waitUntilTaken(by *server) {
	s.t.Helper()
	client := bearing(&http.Client{Transport: http.DefaultTransport, Timeout: testkit.Limit}, s.reader("a"))
	testkit.Eventually(s.t, func() error {
		resp, err := client.Head(by.url + "/events?topic=a")
		if err != nil {
			return err
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return errors.New(resp.Status)
		}
		return nil
	})
}

// token returns a token with rights to topics.
func (s *signer) token(expires time.Time, subscribe, publish []string) string {
	s.t.Helper()
	token, err := rights.Make([]byte(s.key), rights.Token{Expires: expires, Subscribe: subscribe, Publish: publish}, rights.Options{})
	if err != nil {
		s.t.Fatal(err)
	}
	return token
}

// reader returns a token for an hour that may subscribe to topics.
func (s *signer) reader(topics ...string) string {
	s.t.Helper()
	return s.token(time.Now().Add(time.Hour), topics, nil)
}

// A bearer is a transport that adds a token to each request: the first to the first, and so on. The last is for all that
// follow.
type bearer struct {
	transport http.RoundTripper

	mu     sync.Mutex
	tokens []string // mu protects it
}

// bearing returns a client for streams with tokens, which sends requests as another does.
func bearing(client *http.Client, tokens ...string) *http.Client {
	with := *client
	with.Transport = &bearer{transport: client.Transport, tokens: tokens}
	return &with
}

func (b *bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	b.mu.Lock()
	token := b.tokens[0]
	if len(b.tokens) > 1 {
		b.tokens = b.tokens[1:]
	}
	b.mu.Unlock()
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+token)
	return b.transport.RoundTrip(r)
}

// refused returns how many requests a server has refused, by reason.
func (s *server) refused() map[string]int64 {
	s.t.Helper()
	told := figures[struct{ Refused map[string]int64 }](s)
	if told.Refused == nil {
		s.t.Fatal("/stats does not tell what was refused")
	}
	return told.Refused
}
