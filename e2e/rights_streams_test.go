package e2e

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

// The streams of a thousand tokens that expire at one moment end before it, and go on with new tokens where they were.
func TestStreamsOfAThousandTokensOfOneMinuteGoOnWithNewOnes(t *testing.T) {
	t.Parallel()
	const n, left = 1000, 20 * time.Second
	keys := newSigner(t)
	s := start(t, "-interval", never.String(), "-publish-token-file", tokenFile(t), "-jwt-key-file", keys.file)
	watching := subscribeWith(t, bearing(streaming, keys.reader("news/all")), s.url+"/events?topic=news/all", "")
	s.waitForClients(1)
	expires := time.Now().Add(left)
	fs := make([]*follower, n)
	for i := range fs {
		own := fmt.Sprint("mail/", i)
		client := bearing(streaming, keys.token(expires, []string{own, "news/*"}, nil), keys.reader(own, "news/*"))
		fs[i] = follow(t, client, s.url+"/events?topic=news/all&topic="+own)
	}
	waitUntilOpened(t, fs, 1)
	opened := time.Now()
	s.waitForClients(n + 1)
	// Before, while and after the streams end, there are events for all, and for each.
	var news []int64
	mails := make([]int, n)
	publish := func() {
		t.Helper()
		for i := len(news) % 10; i < n; i += 250 {
			mails[i]++
			s.publish(fmt.Sprint("mail/", i), "mail")
		}
		want := fmt.Sprint("news-", len(news))
		s.publish("news/all", want)
		id, data := watching.next()
		if data != want {
			t.Fatalf("got %q, want %s", data, want)
		}
		news = append(news, id)
	}
	for time.Now().Before(expires.Add(time.Second)) {
		publish()
		time.Sleep(50 * time.Millisecond)
	}
	testkit.Eventually(t, func() error {
		// Where the machine is so busy that a token has expired before it came, the second is the first that counts.
		stats, expired := s.stats(), s.refused()["expired"]
		if want := 1 + 2*n - expired; stats.Clients != n+1 || stats.ClientsTotal != want || stats.ResumesIncomplete != 0 {
			return fmt.Errorf("want %d streams in all, %d of them open: %+v", want, n+1, stats)
		}
		return nil
	})
	publish()
	for i, f := range fs {
		var got []int64
		testkit.Eventually(t, func() error {
			if got = f.got(); len(got) < len(news)+mails[i] {
				return fmt.Errorf("follower %d got %d events, want %d", i, len(got), len(news)+mails[i])
			}
			return nil
		})
		// The parser takes no event whose ID does not rise.
		if f.fault() != nil || len(got) != len(news)+mails[i] {
			t.Fatalf("follower %d got %d events, want each of %d once: %v", i, len(got), len(news)+mails[i], f.fault())
		}
		for _, id := range news {
			if _, found := slices.BinarySearch(got, id); !found {
				t.Fatalf("follower %d did not get event %d", i, id)
			}
		}
	}
	t.Logf("all were opened %v before the tokens expired; %d had expired", expires.Sub(opened).Round(time.Second), s.refused()["expired"])
}

// fault returns what the follower's streams had that the standard does not allow.
func (f *follower) fault() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// A key that is taken out of the file takes its tokens along: their streams end, cleanly, and there are no new ones. Other
// streams notice nothing.
func TestReplacingTheKeyRevokesItsTokens(t *testing.T) {
	t.Parallel()
	for _, start := range starters {
		keys, next := newSigner(t), newSigner(t)
		s := start(t, "-interval", never.String(), "-jwt-key-file", keys.file)
		address := s.url + "/events?topic=mail/anna"
		client := trusting(t, s.isTLS())
		topics := []string{"mail/anna"}
		old := bearing(client, keys.token(time.Now().Add(time.Hour), topics, topics))
		fresh := bearing(client, next.token(time.Now().Add(time.Hour), topics, topics))
		publish := func(client *http.Client, want int) {
			t.Helper()
			if a := (post{topic: "mail/anna", data: "for Anna", token: "none"}).by(client, s.url+"/events"); a.status != want {
				t.Errorf("publishing is answered %v, want %d", a, want)
			}
		}
		watching := subscribeWith(t, client, s.url+"/events", "")
		streams := make([]*stream, 10)
		for i := range streams {
			streams[i] = subscribeWith(t, old, address, "0")
		}
		publish(old, http.StatusNoContent)
		last := int64(0)
		for _, stream := range streams {
			last, _ = stream.next()
		}
		keys.write(next.key)
		for _, stream := range streams {
			if err := stream.end(); !errors.Is(err, io.EOF) {
				t.Errorf("a stream ends with %v", err)
			}
		}
		publish(old, http.StatusUnauthorized)
		if _, _, err := open(old, address, ""); err == nil || !strings.Contains(err.Error(), "401") {
			t.Errorf("a token of the old key gets a stream: %v", err)
		}
		publish(fresh, http.StatusNoContent)
		resumed := subscribeWith(t, fresh, address, fmt.Sprint(last))
		if got, data := resumed.next(); got <= last || data != "for Anna" {
			t.Errorf("resumed with event %d, %q", got, data)
		}
		select {
		case <-watching.ended:
			t.Errorf("a stream that needs no token has ended: %v", watching.err)
		default:
		}
	}
}
