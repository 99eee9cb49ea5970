package load

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestCentrifugosPublicationsHaveKeys(t *testing.T) {
	for _, test := range []struct {
		name, stream string
		keys         []int64
		lastID       string
	}{
		{"publications", `{"connect":{"client":"x","subs":{"demo":{"recoverable":true,"epoch":"Ab","offset":4,"positioned":true}},"ping":25}}
{"channel":"demo","pub":{"data":{"timestamp":9,"message":"Hello"},"offset":5,"more":"a:1"}}
{}
{"channel":"demo","pub":{"data":{"timestamp":9,"message":"\"offset\":1"},"offset":6}}`, []int64{5, 6}, "Ab:6"},
		{"recovered", `{"connect":{"subs":{"demo":{"recoverable":true,"epoch":"Ab","publications":[{"data":{},"offset":7},{"data":{},"offset":8}],"recovered":true,"offset":8}}}}`, []int64{7, 8}, "Ab:8"},
		{"others", `{"channel":"demo","join":{"info":{}}}`, nil, ""},
		{"a demo", `{"timestamp":5,"message":"x"}`, []int64{5 * perSecond}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := parser{headerDone: true}
			var keys []int64
			var b []byte
			for data := range strings.SplitSeq(test.stream, "\n") {
				b = fmt.Appendf(b, "data: %s\n\n", data)
			}
			if err := p.feed(b, func(key int64) { keys = append(keys, key) }); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(keys, test.keys) || string(p.lastID) != test.lastID {
				t.Errorf("got %v, %q, want %v, %q", keys, p.lastID, test.keys, test.lastID)
			}
		})
	}
}

func TestClientsAreApart(t *testing.T) {
	var mu sync.Mutex // protects asked
	asked := make(map[string]bool)
	l := serve(t, HTTP, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked[r.URL.String()] = true
		mu.Unlock()
		var n int
		fmt.Sscanf(r.URL.Query().Get("client"), "%d", &n)
		// The later client has the earlier events: of one stream it would have missed some, and so would the other.
		fmt.Fprintf(w, "id: %d\ndata: x\n\nid: %d\ndata: x\n\n", 10-n, 20-n)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	l.path = func(client int, lastID string) string { return fmt.Sprintf("/?client=%d&last=%s", client, lastID) }
	l.Apart()
	if err := l.Connect(t.Context(), 2, false); err != nil {
		t.Fatal(err)
	}
	until(t, l, "two events a client", func() bool { return l.Counts().Delivered == 4 })
	if got := l.Counts(); got != (Counts{Delivered: 4}) {
		t.Errorf("got %+v", got)
	}
	l.Disconnect(2)
	if err := l.Reconnect(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, want := range []string{"/?client=0&last=", "/?client=1&last=", "/?client=0&last=20", "/?client=1&last=19"} {
		if !asked[want] {
			t.Errorf("nobody asked for %s: %v", want, asked)
		}
	}
}
