package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

// A client whose last event is older than what its server retains gets all that it lacks, in order, and then what is published: for
// one topic, for several, and for so many that NATS does not filter; at any server.
func TestClientGetsFromNATSWhatItsServerNoLongerRetains(t *testing.T) {
	t.Parallel()
	const topics, events = 300, 15_000
	n := startNATS(t)
	servers := []*server{n.serve(shortHistory...)}
	js := jetStream(t, n.client)
	first := publishInTurn(t, js, topics, events, strings.Repeat("x", 100))
	last := first + events - 1
	waitForSequence(t, servers[0], last)
	servers = append(servers, n.serve(shortHistory...))
	app := appOnNATS(t, n.client)
	ctx, cancel := context.WithTimeout(t.Context(), 4*testkit.Limit)
	defer cancel()
	for _, s := range append(servers, app) {
		var resumes int64
		for _, number := range []int{1, 3, 30, 100, 200} {
			if number > 100 && s != app { // so many are for an app to decide
				continue
			}
			for _, after := range []int64{first, first + 4321, first + events/2, last - topics - 1} {
				of := rand.Perm(topics)[:number]
				c := newCollector(topics, first, after, of...)
				newest := first // the newest event of its topics
				for _, topic := range of {
					newest = max(newest, last-(last-first-int64(topic))%topics)
				}
				resumes++
				c.pause = func() {
					if c.last == newest { // A client that leaves before its turn at the archive has ended would not count.
						testkit.Eventually(t, func() error {
							if got := s.stats().Resumes; got < resumes {
								return fmt.Errorf("%d resumes are counted, want %d", got, resumes)
							}
							return nil
						})
					}
				}
				if err := c.read(ctx, newest, s); err != nil {
					t.Fatalf("%d topics after %d: %v", number, after-first, err)
				}
				if c.opened != 1 {
					t.Errorf("%d topics after %d: it took %d streams", number, after-first, c.opened)
				}
			}
		}
		if got := s.stats(); got.ResumesIncomplete != 0 || got.Resumes < 16 {
			t.Errorf("%d of %d resumes were not complete", got.ResumesIncomplete, got.Resumes)
		}
		checkConsumersAreGone(t, js, len(servers)+1)
	}
	// One that has got it goes on with what is published, and nobody else's events come.
	one := subscribe(t, servers[0].url+"/events?topic=many/7&topic=many/8", fmt.Sprint(first))
	want := first
	for range 2 * events / topics {
		for want++; (want-first)%topics != 7 && (want-first)%topics != 8; want++ {
		}
		if id, _ := one.next(); id != want {
			t.Fatalf("got %d, want %d", id-first, want-first)
		}
	}
	publishOn(t, js, "sse.events.many.6", "another's")
	want = publishOn(t, js, "sse.events.many.8", "live")
	if id, data := one.next(); id != want || data != "live" {
		t.Errorf("got %d %q, want %d", id, data, want)
	}
}

// A client that reads nothing has neither its server nor NATS keep much for it, and keeps nobody waiting.
func TestClientsThatReadNothingTakeLittleOfWhatTheyLack(t *testing.T) {
	t.Parallel()
	need(t, "/proc/self/status", "run on Linux")
	const clients, events = 64, 3000
	n := startNATS(t)
	js := jetStream(t, n.client)
	s := n.serve(shortHistory...)
	first := publishInTurn(t, js, 10, events, strings.Repeat("x", 15_000)) // 45 MB
	waitForSequence(t, s, first+events-1)
	before := processFigures(t, s.pid())
	for range clients {
		conn := dial(t, s)
		if _, err := fmt.Fprintf(conn, "GET /events?topic=many/1&topic=many/2&topic=many/3 HTTP/1.1\r\nHost: x\r\nLast-Event-ID: %d\r\n\r\n", first); err != nil {
			t.Fatal(err)
		}
	}
	s.waitForClients(clients)
	live := subscribe(t, s.url+"/events?topic=live", "")
	s.waitForClients(clients + 1)
	for range 100 { // 10 s, in which all of what they lack would come
		id := publishOn(t, js, "sse.events.live", "x")
		if got, _ := live.next(); got != id {
			t.Fatalf("got %d, want %d", got, id)
		}
		time.Sleep(100 * time.Millisecond)
	}
	// All that they lack is 860 MB.
	if after := processFigures(t, s.pid()); after.rss > before.rss+200<<10 {
		t.Errorf("the server took %v for them, and %v before", after, before)
	}
	live.close()
	s.waitForClients(0) // They are cut off.
	checkConsumersAreGone(t, js, 1)
	fresh := n.serve(shortHistory...)
	if some, usual := goroutines(t, s), goroutines(t, fresh); some > usual+8 {
		t.Errorf("%d goroutines after the clients are gone, and %d of a server that had none", some, usual)
	}
}

// While 500 events a second come, 64 clients with old IDs that hop between servers miss and repeat nothing.
func TestClientsWithOldIDsMissAndRepeatNothingWhileEventsCome(t *testing.T) {
	t.Parallel()
	const topics, old, fresh, clients = 100, 10_000, 3000, 64
	n := startNATS(t)
	servers := []*server{n.serve(shortHistory...), n.serve(shortHistory...)}
	js := jetStream(t, n.client)
	first := publishInTurn(t, js, topics, old, "old")
	for _, s := range servers {
		waitForSequence(t, s, first+old-1)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*testkit.Limit)
	defer cancel()
	ended := make(chan error, clients+1)
	last := first + old + fresh - 1
	for i := range clients {
		some := append(rand.Perm(topics - 1)[:[]int{1, 3, 20, 50}[i%4]], topics-1) // The last has the last event.
		c := newCollector(topics, first, first+rand.Int64N(old/2), some...)
		go func() {
			for until := c.last + rand.Int64N(1000); until < last; until += 500 + rand.Int64N(2000) {
				if err := c.readSome(ctx, until, servers...); err != nil {
					ended <- fmt.Errorf("client %d: %w", i, err)
					return
				}
			}
			ended <- c.read(ctx, last, servers...)
		}()
	}
	go func() {
		ended <- publishSteadily(ctx, js, fresh, func(i int) (subject, data string) {
			i += old
			return fmt.Sprint("sse.events.many.", i%topics), fmt.Sprintf("%d %d fresh", i%topics, i/topics)
		})
	}()
	for range clients + 1 {
		if err := <-ended; err != nil { // They all end with ctx.
			t.Error(err)
		}
	}
	for i, s := range servers {
		if got := s.stats(); got.ResumesIncomplete != 0 {
			t.Errorf("server %d: %d of %d resumes were not complete", i, got.ResumesIncomplete, got.Resumes)
		}
	}
	checkConsumersAreGone(t, js, len(servers))
}
