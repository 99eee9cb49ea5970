package sse

import (
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// wantRound checks how long the rounds took since the last time, and how many there were.
func wantRound(t *testing.T, b *Broker, before Histogram, count int64, took time.Duration) Histogram {
	t.Helper()
	synctest.Wait()
	after := b.Stats().Rounds
	if n, sum := after.Count-before.Count, after.Sum-before.Sum; n != count || sum != took {
		t.Errorf("%d rounds took %v, want %d and %v", n, sum, count, took)
	}
	return after
}

func TestRoundEndsWhenAllThatReadHaveTheEvent(t *testing.T) {
	inBubble(t, func(t *testing.T, b *Broker, connect func(string) (net.Conn, stream)) {
		quickConn, quick := connect("")
		slowConn, slow := connect("")
		var none Histogram
		b.Notifier <- Event{ID: 1}
		go quick.Next()
		time.Sleep(lookInterval / 2)
		slow.want(t, 1, "")
		first := wantRound(t, b, none, 1, lookInterval/2)

		// One that does not read is left to a writer of its own.
		b.Notifier <- Event{ID: 2}
		go quick.Next()
		time.Sleep(time.Second)
		second := wantRound(t, b, first, 1, 2*lookInterval) // The first look has seen the other one written to.
		slow.want(t, 2, "")

		// What nobody is to get has no round, and neither has a heartbeat.
		b.Notifier <- Event{ID: 3, Topic: "nobody's"}
		time.Sleep(DefaultHeartbeat)
		wantRound(t, b, second, 0, 0)
		quickConn.Close()
		slowConn.Close()
		shutdown(t, b)
	})
}

// An event that waits for the end of a round has come before its own.
func TestRoundBeginsWhenItsFirstEventComes(t *testing.T) {
	inBubble(t, func(t *testing.T, b *Broker, connect func(string) (net.Conn, stream)) {
		conn, s := connect("")
		b.writers.lanes[few].running.n.Add(fewWriters) // As if another client were being written to.
		for id := range int64(3) {
			b.Notifier <- Event{ID: id + 1}
			time.Sleep(10 * time.Millisecond)
		}
		go func() {
			b.writers.lanes[few].running.n.Add(-fewWriters)
			b.writers.lanes[few].ended <- struct{}{}
		}()
		s.want(t, 1, "")
		s.want(t, 2, "")
		s.want(t, 3, "")
		wantRound(t, b, Histogram{}, 1, 30*time.Millisecond)
		conn.Close()
		shutdown(t, b)
	})
}

func TestWhatIsRetainedIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 1000
		b := New(Options{History: 3*(size+eventCost) + topicCost})
		publish := func(topic string) {
			t.Helper()
			e := Event{ID: b.Stats().Events + 1, Topic: topic}
			e.Data = make([]byte, size-len(e.appendTo(nil)))
			if err := b.Publish(t.Context(), e); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		want := func(events, size int64, age time.Duration) {
			t.Helper()
			if s := b.Stats(); s.Retained != events || s.RetainedBytes != size || s.OldestAge != age {
				t.Errorf("%d events of %d bytes, the oldest %v old; want %d, %d, %v", s.Retained, s.RetainedBytes, s.OldestAge, events, size, age)
			}
		}
		const event, topic = size + eventCost, topicCost
		want(0, 0, 0)
		publish("")
		time.Sleep(time.Second)
		want(1, event+topic, time.Second)
		publish("")
		publish("")
		time.Sleep(time.Second)
		want(3, 3*event+topic, 2*time.Second)
		publish("") // and the first is evicted
		want(3, 3*event+topic, time.Second)
		for range 20 {
			publish("")
		}
		want(3, 3*event+topic, 0)
		shutdown(t, b)
		time.Sleep(time.Hour)
		want(3, 3*event+topic, time.Hour)
	})
}
