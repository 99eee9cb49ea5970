package e2e

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

// Tokens count at every server that has the key, wherever the event comes from.
func TestTokensCountAtEachServerOnNATS(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	secret := secretFile(t)
	servers := startServers(t, 2, "-nats", n.client, "-interval", "100ms", "-publish-token-file", tokenFile(t), "-jwt-key-file", secret)
	anna := bearing(streaming, makeToken(t, secret, "-subscribe", "mail/anna"))
	bert := bearing(streaming, makeToken(t, secret, "-subscribe", "mail/bert"))
	watching := subscribeWith(t, anna, servers[1].url+"/events?topic=mail/anna", "")
	servers[1].waitForClients(1)
	var ids []int64
	for i := range 6 {
		servers[i%2].publish([]string{"mail/anna", "mail/bert", ""}[i%3], fmt.Sprint(i))
	}
	for _, want := range []string{"0", "3"} {
		id, data := watching.next()
		if data != want {
			t.Fatalf("Anna gets %q, want %s", data, want)
		}
		ids = append(ids, id)
	}
	for _, s := range servers {
		if id, data := subscribeWith(t, anna, s.url+"/events?topic=mail/anna", fmt.Sprint(ids[0])).next(); id != ids[1] || data != "3" {
			t.Errorf("Anna resumes with %d %q", id, data)
		}
		if _, _, err := open(bert, s.url+"/events?topic=mail/anna", fmt.Sprint(ids[0])); err == nil || !strings.Contains(err.Error(), "403") {
			t.Errorf("Bert reads Anna's mail: %v", err)
		}
		if _, _, err := open(streaming, s.url+"/events?topic=mail/anna", fmt.Sprint(ids[0])); err == nil || !strings.Contains(err.Error(), "401") {
			t.Errorf("everybody reads Anna's mail: %v", err)
		}
	}
	subscribe(t, servers[0].url+"/events", "").next() // a tick
}

// A replay tells nobody of what another may read, whatever the ID that it is asked for: neither from memory, where a gap is told,
// nor from disk, nor after a restart.
func TestTokensCountForReplays(t *testing.T) {
	t.Parallel()
	for _, flags := range [][]string{nil, {"-data", t.TempDir()}} {
		text := replaysOfTwoReaders(t, flags...)
		if flags == nil && !strings.Contains(text, "event: gap\n") {
			t.Error("no gap is told")
		}
	}
}

// replaysOfTwoReaders has two readers resume their topics from all over them, and returns what they got.
func replaysOfTwoReaders(t *testing.T, flags ...string) (all string) {
	t.Helper()
	secret := secretFile(t)
	s := start(t, append(flags, "-history", "2000", "-interval", never.String(), "-publish-token-file", tokenFile(t), "-jwt-key-file", secret)...)
	readers := map[string]*http.Client{}
	own := map[string][]string{} // the IDs of each topic
	for _, topic := range []string{"mail/anna", "mail/bert"} {
		readers[topic] = bearing(streaming, makeToken(t, secret, "-subscribe", topic))
		watching := subscribeWith(t, readers[topic], s.url+"/events?topic="+topic, "")
		s.waitForClients(1)
		for i := range 40 {
			s.publish(topic, fmt.Sprint(topic, " ", i))
			id, _ := watching.next()
			own[topic] = append(own[topic], fmt.Sprint(id))
		}
		watching.close()
		s.waitForClients(0)
	}
	n := 0
	check := func(when string) {
		t.Helper()
		for topic, reader := range readers {
			tried := []string{"1", "999"}
			for _, ids := range own {
				for i := 0; i < 40; i += 9 {
					tried = append(tried, ids[i])
				}
			}
			for _, lastID := range tried {
				s.waitForClients(0)
				resp, cancel, err := open(reader, s.url+"/events?topic="+topic+"&heartbeat=show", lastID)
				if err != nil {
					t.Fatal(err)
				}
				// All that there is comes before what is published now.
				s.waitForClients(1)
				n++
				last := fmt.Sprintf("the last of %d", n)
				s.publish(topic, last)
				var text strings.Builder
				limit := time.AfterFunc(testkit.Limit, cancel)
				for buf := make([]byte, 1<<16); !strings.Contains(text.String(), "data: "+last+"\n"); {
					n, err := resp.Body.Read(buf)
					text.Write(buf[:n])
					if err != nil {
						t.Fatalf("%s, %s after %s: %v: %s", when, topic, lastID, err, &text)
					}
				}
				limit.Stop()
				cancel()
				resp.Body.Close()
				all += text.String()
				ids := regexp.MustCompile(`\d{16,}`).FindAllString(text.String(), -1)
				own[topic] = append(own[topic], ids[len(ids)-1])
				for _, id := range ids {
					if id != lastID && !slices.Contains(own[topic], id) {
						t.Fatalf("%s, %s after %s: it tells of event %s:\n%s", when, topic, lastID, id, &text)
					}
				}
				for other := range readers {
					if other != topic && strings.Contains(text.String(), other) {
						t.Fatalf("%s, %s after %s: it tells of %s:\n%s", when, topic, lastID, other, &text)
					}
				}
			}
		}
	}
	check("at first")
	s.restart()
	check("after a restart")
	return all
}
