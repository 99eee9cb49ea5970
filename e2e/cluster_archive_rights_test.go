package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
)

// What comes from NATS to a client that resumes, by whatever ID, is of the topics that its token may read, and of no
// others: also where all of the stream is read for it, and in what is said of a gap.
func TestReplayFromNATSShowsNoTopicThatATokenMayNotRead(t *testing.T) {
	t.Parallel()
	const topics, events, left = 80, 8000, 6000
	n := startNATS(t)
	js := jetStream(t, n.client)
	createStream(t, js, jetstream.StreamConfig{MaxMsgs: left})
	keys := newSigner(t)
	s := n.serve(append([]string{"-jwt-key-file", keys.file}, shortHistory...)...)
	first := publishInTurn(t, js, topics, events, "x")
	last := first + events - 1
	waitForSequence(t, s, last)
	begin := last - left + 1 // All before is gone.
	for _, number := range []int{1, 2, 40} {
		var mine []int
		var names []string
		for i := range number {
			mine = append(mine, 2*i+1)
			names = append(names, fmt.Sprint("many/", 2*i+1))
		}
		client := bearing(streaming, keys.reader(names...))
		newest := last - topics + 1 + int64(slices.Max(mine))
		for _, after := range []int64{
			begin + 2,       // another topic's event
			begin - 1,       // one that is gone, after which nothing is
			first + 100,     // one that is gone
			0,               // the beginning
			first + 1 + 160, // one of its own topics' that is gone
		} {
			c := newCollector(topics, first, max(first, after), mine...)
			for _, topic := range mine { // What is gone can't come.
				c.next[topic] = max(c.next[topic], (int(begin-first)-topic+topics-1)/topics)
			}
			c.last, c.client = after, client
			if err := c.read(limited(t), newest, s); err != nil {
				t.Fatalf("%d topics after %d: %v", number, after-first, err)
			}
			if c.opened != 1 || (len(c.told) == 1) != (after < begin-1) {
				t.Errorf("%d topics after %d: %d streams, %d gaps", number, after-first, c.opened, len(c.told))
			}
			for _, gap := range c.told {
				if topic := int(gap.First-first) % topics; gap.LastEventID != fmt.Sprint(after) || gap.First < begin || !slices.Contains(mine, topic) {
					t.Errorf("%d topics after %d: the gap event says %+v, which is topic %d", number, after-first, gap, topic)
				}
			}
		}
		req, err := http.NewRequestWithContext(limited(t), http.MethodGet, s.url+"/events?topic=many/2&topic="+strings.Join(names, "&topic="), nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Last-Event-ID", fmt.Sprint(first))
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden {
			t.Errorf("with another topic: %s", resp.Status)
		}
	}
}
