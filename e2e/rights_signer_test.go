package e2e

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"os"
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
	key  []byte // what the file holds at first
}

// newSigner returns a signer with a secret of its own.
func newSigner(t *testing.T) *signer {
	t.Helper()
	secret := make([]byte, 32)
	rand.Read(secret)
	s := &signer{t, filepath.Join(t.TempDir(), "key"), []byte(hex.EncodeToString(secret))}
	s.write(s.key)
	return s
}

// write replaces what the file holds at once, as an operator should.
func (s *signer) write(content []byte) {
	s.t.Helper()
	err := os.WriteFile(s.file+".new", content, 0o600)
	if err == nil {
		err = os.Rename(s.file+".new", s.file)
	}
	if err != nil {
		s.t.Fatal(err)
	}
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
	token, err := rights.Make(s.key, rights.Token{Expires: expires, Subscribe: subscribe, Publish: publish}, rights.Options{})
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
	return s.refusedOver(testkit.Client)
}

// refusedOver is refused with an HTTP client that trusts the server.
func (s *server) refusedOver(client *http.Client) (reasons map[string]int64) {
	s.t.Helper()
	figures := struct{ Refused *map[string]int64 }{&reasons}
	if err := json.Unmarshal(testkit.Get(s.t, client, s.url+"/stats"), &figures); err != nil || reasons == nil {
		s.t.Fatalf("/stats does not tell what was refused: %v", err)
	}
	return reasons
}

// statsOver is stats with an HTTP client that trusts the server.
func (s *server) statsOver(client *http.Client) (figures stats) {
	s.t.Helper()
	if err := json.Unmarshal(testkit.Get(s.t, client, s.url+"/stats"), &figures); err != nil {
		s.t.Fatal(err)
	}
	return figures
}
