package program

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"example.com/sse/internal/rights"
)

// newRights returns rights by tokens.
func newRights(t *testing.T) *Rights {
	t.Helper()
	keys, warning, err := rights.Load(secretFile(t, 0o600), rights.Options{})
	if err != nil || warning != "" {
		t.Fatal(warning, err)
	}
	return &Rights{Keys: keys, Cookie: "sse"}
}

// newToken returns a token for an hour.
func newToken(t *testing.T, subscribe, publish []string) string {
	t.Helper()
	return newTokenUntil(t, time.Now().Add(time.Hour), subscribe, publish)
}

func newTokenUntil(t *testing.T, expires time.Time, subscribe, publish []string) string {
	t.Helper()
	token, err := rights.Make([]byte(secret), rights.Token{Expires: expires, Subscribe: subscribe, Publish: publish}, rights.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// newRequest returns a request for /events with a query, and with pairs of names and values as its header.
func newRequest(method, query string, header ...string) *http.Request {
	r := httptest.NewRequest(method, "/events?"+query, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

// reasonOf returns the name of a refusal's reason, or "" for none.
func reasonOf(refused *refusal) string {
	if refused == nil {
		return ""
	}
	return refused.reason.String()
}
