package store

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.com/sse/sse"
)

// BenchmarkPublish stores events of 100 bytes from many publishers at once.
func BenchmarkPublish(b *testing.B) {
	for _, publishers := range []int{1, 16, 256} {
		for _, topics := range []int{1, 10_000} {
			b.Run(fmt.Sprintf("publishers=%d/topics=%d", publishers, topics), func(b *testing.B) {
				s := openStore(b, b.TempDir(), 16<<20)
				data := []byte(strings.Repeat("x", 100))
				var n atomic.Int64
				b.SetParallelism(publishers / 2)
				b.ResetTimer()
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						e := sse.Event{Topic: fmt.Sprint("topic/", n.Add(1)%int64(topics)), Data: data}
						if err := s.Publish(context.Background(), e); err != nil {
							b.Error(err)
						}
					}
				})
			})
		}
	}
}

// TestFullStoreByHand says how long a full store takes to open: FULL_STORE=1 go test -v -run ByHand ./store
func TestFullStoreByHand(t *testing.T) {
	if os.Getenv("FULL_STORE") == "" {
		t.Skip("by hand")
	}
	dir := t.TempDir()
	s := openStore(t, dir, 0)
	data := []byte(strings.Repeat("x", 100))
	start := time.Now()
	n := fill(t, s, func(i int) sse.Event { return sse.Event{Topic: fmt.Sprint("t", i%1000), Data: data} }, DefaultBytes+DefaultBytes/4)
	t.Log(n, "events", time.Since(start), fileSize(t, dir)>>20, "MiB")
	s.Close()
	for range 3 {
		start = time.Now()
		s, err := Open(newBroker(t, 0), Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		opened := time.Since(start)
		s.Wait()
		t.Log("open", opened, "loaded", time.Since(start), s.Stats())
		s.Close()
	}
}

// fillBatch is how many events fill writes in one transaction.
const fillBatch = 500

// fill writes events without waiting for each, until they cost that much.
func fill(t testing.TB, s *Store, next func(i int) sse.Event, bytes int64) int {
	t.Helper()
	s.db.NoSync = true
	i := 0
	for sum := int64(0); sum < bytes; {
		var batch []*publication
		for len(batch) < fillBatch && sum < bytes {
			p := &publication{event: next(i), result: make(chan error, 1)}
			sum += cost(p.event)
			batch = append(batch, p)
			i++
		}
		s.commit(batch)
		for _, p := range batch {
			if err := <-p.result; err != nil {
				t.Fatal(err)
			}
		}
	}
	s.db.NoSync = false
	return i
}
