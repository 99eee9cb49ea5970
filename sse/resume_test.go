package sse

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"example.com/sse/internal/testkit"
)

func TestResumingClientGetsEveryLaterEventFirst(t *testing.T) {
	for name, test := range map[string]struct {
		header []string
		want   []int64
		gap    string // the last event ID that a gap event names
	}{
		"after the first":         {[]string{"Last-Event-ID", "10"}, []int64{20, 30}, ""},
		"after the second":        {[]string{"Last-Event-ID", "20"}, []int64{30}, ""},
		"after the last":          {[]string{"Last-Event-ID", "30"}, nil, ""},
		"between two":             {[]string{"Last-Event-ID", "25"}, []int64{30}, ""},
		"right before the first":  {[]string{"Last-Event-ID", "9"}, []int64{10, 20, 30}, ""},
		"before the history":      {[]string{"Last-Event-ID", "3"}, []int64{10, 20, 30}, "3"},
		"the beginning of all":    {[]string{"Last-Event-ID", "0"}, []int64{10, 20, 30}, ""},
		"negative":                {[]string{"Last-Event-ID", "-3"}, []int64{10, 20, 30}, "-3"},
		"from the future":         {[]string{"Last-Event-ID", "31"}, []int64{10, 20, 30}, "31"},
		"too large for a number":  {[]string{"Last-Event-ID", "99999999999999999999"}, []int64{10, 20, 30}, "99999999999999999999"},
		"text":                    {[]string{"Last-Event-ID", "10x"}, []int64{10, 20, 30}, "10x"},
		"a fraction":              {[]string{"Last-Event-ID", "10.5"}, []int64{10, 20, 30}, "10.5"},
		"not UTF-8":               {[]string{"lastEventId=a%ff"}, []int64{10, 20, 30}, "a\ufffd"},
		"control characters":      {[]string{"lastEventId=%00%0a%e2%80%a8<"}, []int64{10, 20, 30}, "\x00\n\u2028<"},
		"very long":               {[]string{"Last-Event-ID", strings.Repeat("x", 5000)}, []int64{10, 20, 30}, strings.Repeat("x", maxEcho)},
		"empty":                   {[]string{"Last-Event-ID", ""}, nil, ""},
		"none":                    {nil, nil, ""},
		"in the query":            {[]string{"lastEventId=10"}, []int64{20, 30}, ""},
		"text in the query":       {[]string{"lastEventId=x"}, []int64{10, 20, 30}, "x"},
		"empty in the query":      {[]string{"lastEventId="}, nil, ""},
		"garbage in the query":    {[]string{"lastEventId=x;%zz"}, nil, ""},
		"another query parameter": {[]string{"lastEvent=10"}, nil, ""},
		"the last two":            {[]string{"last=2"}, []int64{20, 30}, ""},
		"the last thousand":       {[]string{"last=1000"}, []int64{10, 20, 30}, ""},
		"resumes all the same":    {[]string{"last=1&lastEventId=10"}, []int64{20, 30}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b, server := newServer(t)
			send(t, b, 10, 20, 30)
			s := open(t, server.URL, test.header...)
			eventually(t, "registered", func() bool { return b.Stats().Clients == 1 })
			send(t, b, 40)
			for _, id := range append(test.want, 40) {
				s.want(t, id, fmt.Sprint(id))
			}
			var gaps []testkit.Gap
			if test.gap != "" {
				gaps = []testkit.Gap{{LastEventID: test.gap, First: 10}}
			}
			if !slices.Equal(s.Gaps, gaps) {
				t.Errorf("gaps %+v, want %+v", s.Gaps, gaps)
			}
		})
	}
}

func TestResumesAreCounted(t *testing.T) {
	b, server := newServer(t)
	send(t, b, 10, 20)
	for clients, test := range []struct {
		id              string
		resumes, missed int64
	}{
		{"10", 1, 0},
		{"5", 2, 1}, // It may have missed events that are not retained.
		{"20", 3, 1},
		{"text", 4, 2},
	} {
		open(t, server.URL, "Last-Event-ID", test.id)
		eventually(t, "registered", func() bool { return b.Stats().Clients == int64(clients)+1 })
		if s := b.Stats(); s.Resumes != test.resumes || s.ResumesIncomplete != test.missed {
			t.Errorf("after last event ID %s: %+v", test.id, s)
		}
	}
}

func TestHeaderComesBeforeTheQuery(t *testing.T) {
	b, server := newServer(t)
	send(t, b, 10, 20, 30)
	// A browser that reconnects repeats the URL of its first connection. Some clients send an
	// empty header where they have no ID, which counts as none.
	for header, want := range map[string]int64{"20": 30, "": 20} {
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/events?lastEventId=10", nil)
		request.Header.Set("Last-Event-ID", header)
		response, err := testkit.Client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		stream{newParser(response.Body), response}.want(t, want, fmt.Sprint(want))
	}
}

func TestLastIsANumberFromOneToAThousand(t *testing.T) {
	_, server := newServer(t)
	for _, last := range []string{"", "0", "-1", "1001", "99999999999999999999", "1.5", "1e3", "ten", "%00"} {
		response, err := testkit.Client.Get(server.URL + "/events?last=" + last)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusBadRequest || response.Header.Get("Cache-Control") != "" {
			t.Errorf("?last=%s: %s, %v", last, response.Status, response.Header)
		}
	}
}
