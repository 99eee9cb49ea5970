package e2e

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"example.com/sse/sse"
)

func TestCurlGetsTheTopicsThatItNames(t *testing.T) {
	t.Parallel()
	need(t, "curl", "apt-get install curl")
	// These come before curl, each with its number as ID.
	before := []sse.Event{
		{Topic: "news", Data: []byte("It rains")},
		{Topic: "mail/anna", Data: []byte("Hello")},
		{Data: []byte("to all")},
		{Topic: "news", Name: "alert", Data: []byte("two\nlines")},
		{Topic: "新闻 & +", Data: []byte("下雨")},
		{Topic: "mail/bert", Data: []byte("Hello")},
	}
	// These come once curl is registered. The last is for everybody here.
	live := []sse.Event{
		{Topic: "mail/anna", Data: []byte("more")},
		{Topic: "新闻 & +", Data: []byte("天晴")},
		{Topic: "news", Data: []byte("It still rains")},
		{Topic: "mail/bert", Data: []byte("more")},
		{Data: []byte("to all again")},
	}
	all := slices.Concat(before, live)
	for _, test := range []struct {
		name, query, lastID string
		want                []int64
	}{
		{"several", "topic=news&topic=mail/anna&topic=", "", []int64{7, 9, 11}},
		{"several, resumed", "topic=news&topic=mail/anna&topic=", "1", []int64{2, 3, 4, 7, 9, 11}},
		{"several, resumed after another topic's event", "topic=&topic=news&topic=" + url.QueryEscape("新闻 & +"), "2", []int64{3, 4, 5, 8, 9, 11}},
		{"after the newest", "topic=news&topic=", "6", []int64{9, 11}},
		{"a topic that has none, beside the default one", "topic=nothing&topic=", "1", []int64{3, 11}},
		{"one named twice", "topic=mail%2Fanna&topic=mail/anna&topic=", "1", []int64{2, 3, 7, 11}},
		{"none: the default one alone", "", "1", []int64{3, 11}},
		{"the default one by name", "topic=", "1", []int64{3, 11}},
	} {
		for _, inURL := range []bool{false, true} {
			if inURL && test.lastID == "" {
				continue
			}
			t.Run(fmt.Sprintf("%s, ID in the URL %v", test.name, inURL), func(t *testing.T) {
				s := newStage(t)
				publish := func(first int, events []sse.Event) {
					t.Helper()
					for i, e := range events {
						e.ID = int64(first + i)
						if err := s.broker.Publish(t.Context(), e); err != nil {
							t.Fatal(err)
						}
					}
				}
				publish(1, before)
				address, header := s.url+"/events?"+test.query, "Last-Event-ID;" // which curl leaves empty
				switch {
				case inURL:
					address += "&lastEventId=" + test.lastID
				case test.lastID != "":
					header = "Last-Event-ID: " + test.lastID
				}
				p := curlStream(t, "--header", header, address)
				s.waitForClients(1)
				publish(len(before)+1, live)
				for _, id := range test.want {
					got, err := p.Next()
					want := all[id-1]
					if err != nil || got.ID != id || got.Name != want.Name || got.Data != string(want.Data) {
						t.Fatalf("curl got %+v, %v, want event %d, %q", got, err, id, want.Data)
					}
				}
				if stats := s.broker.Stats(); stats.ResumesIncomplete != 0 {
					t.Errorf("a resume was not complete: %+v", stats)
				}
			})
		}
	}
}

func TestCurlIsToldInOneLineWhyItsTopicsAreRefused(t *testing.T) {
	t.Parallel()
	need(t, "curl", "apt-get install curl")
	s := start(t, "-interval", never.String())
	topics := func(n int) string {
		query := make(url.Values)
		for i := range n {
			query.Add("topic", fmt.Sprint("topic ", i))
		}
		return query.Encode()
	}
	const noTopic = "a topic is not one line of UTF-8 without control characters, of at most 256 bytes\n"
	for query, reason := range map[string]string{
		topics(101):                              "101 topics are too many for a stream: at most 100\n",
		"topic=two%0Alines":                      noTopic,
		"topic=news&topic=%00":                   noTopic,
		"topic=%FF":                              noTopic,
		"topic=%7F":                              noTopic,
		"topic=" + strings.Repeat("x", 257):      noTopic,
		"topic=" + strings.Repeat("%C3%A9", 129): noTopic,
	} {
		out, err := curl(t, "--write-out", "%{http_code} %{content_type}", s.url+"/events?"+query)
		if want := reason + "400 text/plain; charset=utf-8"; err != nil || out != want {
			t.Errorf("curl %.60s prints %q, %v, want %q", query, out, err, want)
		}
	}
	// What is just not too many or too long.
	for _, query := range []string{topics(100), "topic=" + strings.Repeat("x", 256), "topic=" + strings.Repeat("%C3%A9", 128)} {
		subscribe(t, s.url+"/events?"+query, "")
	}
	s.waitForClients(3)
	if got := s.stats().Topics; got != 102 {
		t.Errorf("there are %d topics", got)
	}
}
