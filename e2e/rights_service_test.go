package e2e

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"example.com/sse/internal/testkit"
)

// postWith posts an event to a topic with a token, and returns the answer's status.
func postWith(s *server, token, topic string) int {
	return s.post(post{topic: topic, token: token, data: "hello"}).status
}

// eventuallyAnswers waits until posting with a token is answered with a status.
func eventuallyAnswers(t *testing.T, s *server, token, topic string, want int) {
	t.Helper()
	testkit.Eventually(t, func() error {
		if got := postWith(s, token, topic); got != want {
			return fmt.Errorf("POST is answered %d, want %d", got, want)
		}
		return nil
	})
}

func TestPublishTokenIsReplacedWithoutARestart(t *testing.T) {
	t.Parallel()
	file := tokenFile(t)
	s := start(t, "-interval", never.String(), "-publish-token-file", file)
	if got := postWith(s, secret, "news"); got != http.StatusNoContent {
		t.Fatalf("the first token is answered %d", got)
	}
	replace(t, file, "two words\n") // which is no token: the last one stays
	testkit.Eventually(t, func() error {
		postWith(s, secret, "news") // somebody has to ask
		return lacks(s.output(), "what was read before is kept")
	})
	if got := postWith(s, secret, "news"); got != http.StatusNoContent {
		t.Errorf("while there is no token, the last one is answered %d", got)
	}
	replace(t, file, "marlin\n")
	eventuallyAnswers(t, s, "marlin", "news", http.StatusNoContent)
	if got := postWith(s, secret, "news"); got != http.StatusUnauthorized {
		t.Errorf("the old token is answered %d", got)
	}
	if log := s.out.String(); strings.Contains(log, secret) || strings.Contains(log, "marlin") || strings.Contains(log, "two words") {
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
	if got := postWith(s, newToken, "mail/anna"); got != http.StatusUnauthorized {
		t.Errorf("before its key is there, the new token is answered %d", got)
	}
	first, second := read(t, keys), read(t, newPublic)
	replace(t, keys, first+second)
	eventuallyAnswers(t, s, newToken, "mail/anna", http.StatusNoContent)
	fresh := subscribeWith(t, bearing(streaming, newToken), address, "0")
	if got := postWith(s, oldToken, "mail/anna"); got != http.StatusNoContent {
		t.Errorf("beside the new key, the old token is answered %d", got)
	}
	for _, stream := range []*stream{old, fresh} {
		stream.wantData("hello", "hello")
	}
	replace(t, keys, second)
	if err := old.end(); !errors.Is(err, io.EOF) {
		t.Errorf("the stream of the old key ends with %v", err)
	}
	if got := postWith(s, oldToken, "mail/anna"); got != http.StatusUnauthorized {
		t.Errorf("without its key, the old token is answered %d", got)
	}
	if got := postWith(s, newToken, "mail/anna"); got != http.StatusNoContent {
		t.Errorf("the new token is answered %d", got)
	}
	fresh.wantData("hello")
}
