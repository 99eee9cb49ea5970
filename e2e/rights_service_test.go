package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"example.com/sse/internal/testkit"
)

// replace replaces what a file holds at once.
func replace(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.WriteFile(file+".new", content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

// postWith posts an event to a topic with a token, and returns the answer's status.
func postWith(t *testing.T, s *server, token, topic string) (status int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/events?topic="+topic, strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := testkit.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// eventuallyAnswers waits until posting with a token is answered with a status.
func eventuallyAnswers(t *testing.T, s *server, token, topic string, want int) {
	t.Helper()
	testkit.Eventually(t, func() error {
		if got := postWith(t, s, token, topic); got != want {
			return fmt.Errorf("POST is answered %d, want %d", got, want)
		}
		return nil
	})
}

func TestPublishTokenIsReplacedWithoutARestart(t *testing.T) {
	t.Parallel()
	file := tokenFile(t)
	s := start(t, "-interval", never.String(), "-publish-token-file", file)
	if got := postWith(t, s, "swordfish", "news"); got != http.StatusNoContent {
		t.Fatalf("the first token is answered %d", got)
	}
	replace(t, file, []byte("two words\n")) // which is no token: the last one stays
	testkit.Eventually(t, func() error {
		postWith(t, s, "swordfish", "news") // somebody has to ask
		if !strings.Contains(s.out.String(), "what was read before is kept") {
			return errors.New("the log does not say that the file can't be used")
		}
		return nil
	})
	if got := postWith(t, s, "swordfish", "news"); got != http.StatusNoContent {
		t.Errorf("while there is no token, the last one is answered %d", got)
	}
	replace(t, file, []byte("marlin\n"))
	eventuallyAnswers(t, s, "marlin", "news", http.StatusNoContent)
	if got := postWith(t, s, "swordfish", "news"); got != http.StatusUnauthorized {
		t.Errorf("the old token is answered %d", got)
	}
	if log := s.out.String(); strings.Contains(log, "swordfish") || strings.Contains(log, "marlin") || strings.Contains(log, "two words") {
		t.Errorf("the log tells a token:\n%s", log)
	}
}

// A key is replaced in service, as docs/operating.md says: streams of the old one go on as long as it is in the file.
func TestKeyIsReplacedInService(t *testing.T) {
	t.Parallel()
	oldPrivate, keys := keyPair(t, "ed25519")
	newPrivate, newPublic := keyPair(t, "EC")
	s := start(t, "-interval", never.String(), "-jwt-key-file", keys)
	rights := []string{"-subscribe", "mail/*", "-publish", "mail/anna"}
	oldToken, newToken := makeToken(t, oldPrivate, rights...), makeToken(t, newPrivate, rights...)
	address := s.url + "/events?topic=mail/anna"
	old := subscribeWith(t, bearing(streaming, oldToken), address, "")
	if got := postWith(t, s, newToken, "mail/anna"); got != http.StatusUnauthorized {
		t.Errorf("before its key is there, the new token is answered %d", got)
	}
	first, err := os.ReadFile(keys)
	if err != nil {
		t.Fatal(err)
	}
	second, err := os.ReadFile(newPublic)
	if err != nil {
		t.Fatal(err)
	}
	replace(t, keys, append(first, second...))
	eventuallyAnswers(t, s, newToken, "mail/anna", http.StatusNoContent)
	fresh := subscribeWith(t, bearing(streaming, newToken), address, "0")
	if got := postWith(t, s, oldToken, "mail/anna"); got != http.StatusNoContent {
		t.Errorf("beside the new key, the old token is answered %d", got)
	}
	for _, stream := range []*stream{old, fresh} {
		for range 2 {
			if _, data := stream.next(); data != "hello" {
				t.Errorf("got %q", data)
			}
		}
	}
	replace(t, keys, second)
	if err := old.end(); !errors.Is(err, io.EOF) {
		t.Errorf("the stream of the old key ends with %v", err)
	}
	if got := postWith(t, s, oldToken, "mail/anna"); got != http.StatusUnauthorized {
		t.Errorf("without its key, the old token is answered %d", got)
	}
	if got := postWith(t, s, newToken, "mail/anna"); got != http.StatusNoContent {
		t.Errorf("the new token is answered %d", got)
	}
	if _, data := fresh.next(); data != "hello" {
		t.Errorf("the stream of the new key got %q", data)
	}
}
