package sse

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A timedClient is a client of some topics that reads over a pipe, at its own speed.
type timedClient struct {
	topics []string
	pause  time.Duration // after each event
	conn   net.Conn

	mu  sync.Mutex
	got []string
}

// read reads events until the stream ends.
func (c *timedClient) read(p stream) {
	for {
		e, err := p.Next()
		if err != nil {
			return
		}
		c.mu.Lock()
		c.got = append(c.got, e.Data)
		c.mu.Unlock()
		time.Sleep(c.pause)
	}
}

// Whatever comes when: a client has all events of its topics in order, no later than what a round may take and its own
// speed, long before a heartbeat would bring them along.
func TestTopicsEventsComeInTimeToEachClient(t *testing.T) {
	for range 100 {
		synctest.Test(t, func(t *testing.T) {
			b, l := newPipeServer(t)
			noise := rand.New(rand.NewPCG(rand.Uint64(), 0))
			var clients []*timedClient
			want := make(map[*timedClient][]string)
			for range 8 {
				c := &timedClient{pause: time.Duration(noise.IntN(3)) * time.Millisecond}
				for _, name := range topicNames(5) {
					if noise.IntN(2) == 0 {
						c.topics = append(c.topics, name)
					}
				}
				ours, theirs := net.Pipe()
				l.conns <- theirs
				c.conn = ours
				fmt.Fprintf(ours, "GET /events?topic=%s HTTP/1.1\r\nHost: test\r\n\r\n", strings.Join(c.topics, "&topic="))
				s := readResponse(t, ours)
				synctest.Wait()
				clients = append(clients, c)
				go c.read(s)
			}
			for i := range 40 {
				topic, data := topicNames(5)[noise.IntN(5)], fmt.Sprint(i)
				if err := b.Publish(t.Context(), Event{Topic: topic, Data: []byte(data)}); err != nil {
					t.Error(err)
				}
				for _, c := range clients {
					if slices.Contains(c.topics, topic) {
						want[c] = append(want[c], data)
					}
				}
				if noise.IntN(3) == 0 {
					time.Sleep(time.Duration(noise.IntN(300)) * time.Millisecond)
				}
			}
			time.Sleep(maxRound + 100*time.Millisecond)
			for _, c := range clients {
				c.mu.Lock()
				if !slices.Equal(c.got, want[c]) {
					t.Errorf("a client of %q got %v in time, want %v", c.topics, c.got, want[c])
				}
				c.mu.Unlock()
				c.conn.Close()
			}
			shutdown(t, b)
		})
	}
}

// Each client has its own silence: that of a quiet topic gets heartbeats beside a busy one.
func TestTopicsThatAreQuietHaveHeartbeats(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, b *Broker, open func(header ...string) io.Reader) {
		quiet, busy := stream{Parser: newParser(open("topic=quiet"))}, stream{Parser: newParser(open("topic=busy&topic=quiet"))}
		var reading sync.WaitGroup
		reading.Go(func() {
			for b.Publish(t.Context(), Event{Topic: "busy"}) == nil {
				time.Sleep(time.Second)
			}
		})
		reading.Go(func() {
			for {
				if _, err := busy.Next(); err != nil {
					return
				}
			}
		})
		quiet.wantRetry(t)
		for range 3 {
			start := time.Now()
			quiet.wantText(t, ":\n")
			if waited := time.Since(start); waited < DefaultHeartbeat-time.Second || waited > DefaultHeartbeat+time.Second {
				t.Errorf("a heartbeat after %v", waited)
			}
		}
		b.stop()
		quiet.wantEnd(t)
		reading.Wait()
		shutdown(t, b)
		if busy.Comments > 0 {
			t.Errorf("the busy topic's client got %d heartbeats", busy.Comments)
		}
	})
}

// A client that does not read is cut off, although its topics are quiet.
func TestTopicsThatAreQuietCutOffWhoDoesNotRead(t *testing.T) {
	inBubble(t, func(t *testing.T, b *Broker, connect func(string) (net.Conn, stream)) {
		ours, theirs := net.Pipe()
		c := newClient(b, theirs)
		if !b.join(c, "quiet", "quieter") {
			t.Fatal("the broker has stopped")
		}
		b.watcher.Watch(c.socket)
		go c.writeFirst([]byte(":\n"))
		synctest.Wait()
		wait := publishEachSecond(t, b, 1) // to the default topic
		start := time.Now()
		for b.Stats().Clients > 0 && time.Since(start) < time.Hour {
			time.Sleep(time.Second)
		}
		if waited := time.Since(start); waited > 5*DefaultHeartbeat || b.Stats().SlowClients != 1 {
			t.Errorf("cut off after %v: %+v", waited, b.Stats())
		}
		ours.Close()
		shutdown(t, b)
		wait()
	})
}

// A shutdown sends what is pending in all topics, in order.
func TestTopicsThatWaitAreSentBeforeTheEnd(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, b *Broker, open func(header ...string) io.Reader) {
		s := stream{Parser: newParser(open("topic=a&topic=b&topic="))}
		synctest.Wait()
		for i := range b.writers.lanes {
			b.writers.lanes[i].running.n.Add(b.writers.lanes[i].enough) // As if others were being written to.
		}
		for id, topic := range []string{"a", "b", "", "a"} {
			if err := b.Publish(t.Context(), Event{ID: int64(id) + 1, Topic: topic, Data: []byte(topic)}); err != nil {
				t.Error(err)
			}
		}
		b.stop()
		for id, topic := range []string{"a", "b", "", "a"} {
			s.want(t, int64(id)+1, topic)
		}
		s.wantEnd(t)
		shutdown(t, b)
	})
}
