package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"example.com/sse/internal/testkit"
)

// secret is a password or token that may appear nowhere. It is the token that publishes.
const secret = "swordfish"

// tokenFile returns a file with the token that publishes.
func tokenFile(t *testing.T) string {
	t.Helper()
	return newFile(t, "token", secret+"\n")
}

// An answer is what came of a request that does not ask for a stream.
type answer struct {
	status int // 0 where there is no answer
	header http.Header
	body   string // or why there is no answer
}

func (a answer) String() string { return fmt.Sprintf("%d %q", a.status, a.body) }

// ask sends a request, and returns its whole answer, within testkit.Limit. size is the body's, or -1 where it is not known
// before; header is the request's, beside the token, or nil. It may be called on any goroutine.
func ask(client *http.Client, method, url, token string, header http.Header, body io.Reader, size int64) answer {
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return answer{body: err.Error()}
	}
	req.ContentLength = size
	req.Header = header.Clone()
	if req.Header == nil {
		req.Header = make(http.Header)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := client.Do(req)
	if err != nil {
		return answer{body: err.Error()}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{body: err.Error()}
	}
	return answer{resp.StatusCode, resp.Header, string(text)}
}

// A post is an event as other programs publish it. Its zero value has no data, and goes to the default topic.
type post struct {
	topic string // as it stands in a URL
	name  string
	data  string
	token string // "" is the one of tokenFile
}

// by has an HTTP client send the post to a URL, such as a server's /events.
func (p post) by(client *http.Client, url string) answer {
	if p.topic != "" {
		url += "?topic=" + p.topic
	}
	if p.token == "" {
		p.token = secret
	}
	header := make(http.Header)
	if p.name != "" {
		header.Set("Sse-Event", p.name)
	}
	return ask(client, http.MethodPost, url, p.token, header, strings.NewReader(p.data), int64(len(p.data)))
}

// post sends a post to the server.
func (s *server) post(p post) answer { return p.by(trustful, s.url+"/events") }

// publish publishes an event to a topic, "" for the default one. The server has to take it.
func (s *server) publish(topic, data string) {
	s.t.Helper()
	s.wantPost(post{topic: topic, data: data}, http.StatusNoContent)
}

// wantPost sends a post, and checks the status of the answer.
func (s *server) wantPost(p post, want int) {
	s.t.Helper()
	if a := s.post(p); a.status != want {
		s.t.Fatalf("%.200v is answered %v, want %d", p, a, want)
	}
}
