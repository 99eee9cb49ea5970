package sse

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"example.com/sse/internal/testkit"
)

func TestTopicsReachTheirClientsInOrderOverEachProtocol(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, b *Broker, open func(header ...string) io.Reader) {
		one := stream{Parser: newParser(open("topic=a"))}
		several := stream{Parser: newParser(open("topic=b&topic=a&topic=&topic=b"))}
		byDefault := stream{Parser: newParser(open())}
		for i, topic := range []string{"a", "b", "c", "", "b", "a", "", "c", "a"} {
			if err := b.Publish(t.Context(), Event{ID: int64(i) + 1, Topic: topic, Data: []byte(topic)}); err != nil {
				t.Fatal(err)
			}
		}
		wantAll := func(s stream, topics string) {
			for i, topic := range "abc-ba-ca" {
				if strings.ContainsRune(topics, topic) {
					s.want(t, int64(i)+1, strings.Trim(string(topic), "-"))
				}
			}
		}
		wantAll(one, "a")
		wantAll(several, "ab-")
		wantAll(byDefault, "-")
		wantAll(stream{Parser: newParser(open("topic=c&topic=d&lastEventId=2"))}, "c")
		b.Shutdown(t.Context())
	})
}

// serveTopics answers a request with a stream of such topics, and returns the status and which topics it had.
func serveTopics(query string, topics []string) (status int, had map[string]bool, body string) {
	b := NewBroker()
	had = make(map[string]bool)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.Serve(w, r, Stream{Topics: topics})
	}))
	defer server.Close()
	response, err := testkit.Client.Get(server.URL + "/?" + query)
	if err != nil {
		return 0, nil, err.Error()
	}
	defer response.Body.Close()
	b.Hold() // Nothing that the loop owns changes from now on.
	for name, t := range b.topics.byName {
		had[name] = len(t.subscriptions) == 1
	}
	b.stop()
	content, _ := io.ReadAll(response.Body)
	return response.StatusCode, had, string(content)
}

func TestTopicsOfAStream(t *testing.T) {
	many := topicNames(maxTopics + 1)
	query := func(n int) string { return url.Values{"topic": many[:n]}.Encode() }
	long := strings.Repeat("x", maxTopic)
	for name, test := range map[string]struct {
		query  string
		topics []string
		want   int // topics, or none for 400
	}{
		"none asked for":              {"", nil, 1},
		"one":                         {"topic=mail%2fanna", nil, 1},
		"the default one and another": {"topic=&topic=a", nil, 2},
		"twice the same":              {"topic=a&topic=a", nil, 1},
		"100 by query":                {query(100), nil, 100},
		"101 by query":                {query(101), nil, -1},
		"none by the app":             {"topic=a", []string{}, 0},
		"others by the app":           {"topic=a", []string{"b", "c", "b"}, 2},
		"10,000 by the app":           {query(101), many[:maxTopics], maxTopics},
		"10,001 by the app":           {"", many, -1},
		"of 256 bytes":                {"topic=" + long, nil, 1},
		"of 257 bytes":                {"topic=" + long + "x", nil, -1},
		"of 257 bytes by the app":     {"", []string{"a", long + "x"}, -1},
		"a line feed":                 {"topic=a%0Ab", nil, -1},
		"not UTF-8":                   {"topic=a%FFb", nil, -1},
		"a control character":         {"", []string{"a\u0085"}, -1},
	} {
		status, had, body := serveTopics(test.query, test.topics)
		switch {
		case test.want < 0 && (status != http.StatusBadRequest || len(had) > 0 || !strings.Contains(body, "topic")):
			t.Errorf("%s: status %d, %d topics, %.100q", name, status, len(had), body)
		case test.want >= 0 && (status != http.StatusOK || len(had) != test.want):
			t.Errorf("%s: status %d, %d topics, want %d", name, status, len(had), test.want)
		}
	}
}

// Each byte there is may be asked for: a topic has it, or the answer is 400.
func TestTopicsOfEveryByte(t *testing.T) {
	b := NewBroker()
	defer shutdown(t, b)
	for i := range 256 {
		for _, name := range []string{string([]byte{byte(i)}), string(rune(i)), "a" + string(rune(i)) + "b"} {
			r := httptest.NewRequest(http.MethodGet, "/?topic="+url.QueryEscape(name), nil)
			topics, err := topicsOf(r.URL.Query(), nil)
			bad := i < 0x20 || i >= 0x7f && i < 0xa0 || i > 0x7f && len(name) == 1
			if bad != (err != nil) || !bad && (len(topics) != 1 || topics[0] != name) {
				t.Errorf("%q: %q, %v", name, topics, err)
			}
			if err := b.Publish(t.Context(), Event{Topic: name}); (err == ErrTopic) != bad || !bad && err != nil {
				t.Errorf("published to %q: %v", name, err)
			}
		}
	}
	if err := b.Publish(t.Context(), Event{Topic: fmt.Sprintf("%0257d", 0)}); err != ErrTopic {
		t.Error(err)
	}
}
