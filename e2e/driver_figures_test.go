package e2e

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"example.com/sse/internal/testkit"
)

// trustful is the HTTP client that asks servers for what ends at once, whatever their certificates: these are not what is
// tested there.
var trustful = func() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	return &http.Client{Timeout: testkit.Limit, Transport: transport}
}()

// stats is what /stats tells.
type stats struct {
	Clients           int64 `json:"clients"`
	ClientsTotal      int64 `json:"clients_total"`
	Events            int64 `json:"events"`
	SlowClients       int64 `json:"slow_clients"`
	Resumes           int64 `json:"resumes"`
	ResumesIncomplete int64 `json:"resumes_incomplete"`
	Topics            int64 `json:"topics"`
}

func (s *server) stats() stats {
	s.t.Helper()
	return figures[stats](s)
}

// figures returns what /stats tells, or a part of it.
func figures[T any](s *server) (part T) {
	s.t.Helper()
	if err := json.Unmarshal(testkit.Get(s.t, trustful, s.url+"/stats"), &part); err != nil {
		s.t.Fatal(err)
	}
	return part
}

// waitForClients waits until that many clients are registered.
func (s *server) waitForClients(n int64) {
	s.t.Helper()
	testkit.Eventually(s.t, func() error {
		if got := s.stats().Clients; got != n {
			return fmt.Errorf("%d clients are registered, want %d", got, n)
		}
		return nil
	})
}

// status returns the status of /healthz.
func (s *server) status() int {
	s.t.Helper()
	resp, err := trustful.Get(s.url + "/healthz")
	if err != nil {
		s.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// waitForStatus waits until /healthz has a status: 200 once the server is ready, 503 once it stops.
func (s *server) waitForStatus(want int) {
	s.t.Helper()
	testkit.Eventually(s.t, func() error {
		if got := s.status(); got != want {
			return fmt.Errorf("/healthz says %d, want %d", got, want)
		}
		return nil
	})
}

// waitForOK waits until a URL, which is not of a server of ours, answers with 200.
func waitForOK(t *testing.T, url string) {
	t.Helper()
	testkit.Eventually(t, func() error {
		resp, err := testkit.Client.Get(url)
		if err != nil {
			return err
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", url, resp.Status)
		}
		return nil
	})
}
