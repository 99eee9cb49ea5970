package sse

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"example.com/sse/internal/testkit"
)

// postTo is post with a query.
func postTo(t *testing.T, server *httptest.Server, query string, body io.Reader, header ...string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequest("POST", server.URL+"/events"+query, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	line, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(line)
}

func TestPostPublishesToTheTopicThatItsQueryNames(t *testing.T) {
	for i := range 2 * len(mounts) {
		mount, http2 := []string{"Iris", "net/http"}[i/2], i%2 == 0
		published := make(chan Event, 1)
		publish := func(_ context.Context, e Event) error {
			published <- e
			return nil
		}
		server := newServerOf(t, http2, mounts[mount](t, Publisher{Publish: publish, Token: "swordfish"}))
		url256 := strings.Repeat("x", 256)
		for _, test := range []struct {
			query, topic string
			status       int
			word         string
		}{
			{"", "", 204, ""},
			{"?", "", 204, ""},
			{"?topic=", "", 204, ""},
			{"?topic", "", 204, ""},
			{"?topic=mail/anna", "mail/anna", 204, ""},
			{"?topic=mail%2Fanna&other=1&other=2&lastEventId=x", "mail/anna", 204, ""},
			{"?Topic=a&topics=b", "", 204, ""},
			{"?topic=" + url.QueryEscape("Preis €: *.> %"), "Preis €: *.> %", 204, ""},
			{"?topic=" + url256, url256, 204, ""},
			{"?topic=" + url256 + "x", "", 400, "at most 256 bytes"},
			{"?topic=a&topic=b", "", 400, "one topic"},
			{"?topic=a&topic=a", "", 400, "one topic"},
			{"?topic=&topic=a", "", 400, "one topic"},
			{"?topic=a%0Ab", "", 400, "control characters"},
			{"?topic=%00", "", 400, "control characters"},
			{"?topic=caf%E9", "", 400, "UTF-8"},
			{"?topic=%zz", "", 400, "can't be read"},
			{"?topic=a;b", "", 400, "can't be read"},
			{"?a=%zz&topic=b", "", 400, "can't be read"},
		} {
			response, line := postTo(t, server, test.query, strings.NewReader("hello"), "Authorization", "Bearer swordfish")
			wantLine(t, mount+test.query, response, line, test.status)
			if !strings.Contains(line, test.word) {
				t.Errorf("%s: no %q in %q", test.query, test.word, line)
			}
			if test.status != http.StatusNoContent {
				if len(published) > 0 {
					t.Errorf("%s: published %+v", test.query, <-published)
				}
				continue
			}
			if e := testkit.Receive(t, published, "the event"); e.Topic != test.topic || string(e.Data) != "hello" {
				t.Errorf("%s: published %+v", test.query, e)
			}
		}
		if response, line := postTo(t, server, "?topic=a&topic=b", strings.NewReader("x")); response.StatusCode != http.StatusUnauthorized {
			t.Errorf("a stranger is told of topics: %s %s", response.Status, line)
		}
	}
}
