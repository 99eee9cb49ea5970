package sse

import (
	"fmt"
	"runtime"
	"testing"
)

// BenchmarkPublishTopics is an event to one of many topics with a client each, up to what its writer picks up.
func BenchmarkPublishTopics(b *testing.B) {
	for _, topics := range []int{10, 10_000, 100_000} {
		b.Run(fmt.Sprint(topics), func(b *testing.B) {
			s := newStill(DefaultHistory)
			readers, names := make([]*reader, topics), make([]string, topics)
			for i := range topics {
				names[i] = fmt.Sprint(i)
				readers[i] = s.join("", names[i])
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				n := i * 7919 % topics
				s.addAndFanOut(Event{ID: int64(i) + 1, Topic: names[n], Data: payload})
				readers[n].read(1)
				readers[n].got = nil
			}
		})
	}
}

// BenchmarkTopicsOfOneStream is an event to one of the topics of one client.
func BenchmarkTopicsOfOneStream(b *testing.B) {
	for _, topics := range []int{2, 100, maxTopics} {
		b.Run(fmt.Sprint(topics), func(b *testing.B) {
			s := newStill(DefaultHistory)
			names := topicNames(topics)
			r := s.join("", names...)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				s.addAndFanOut(Event{ID: int64(i) + 1, Topic: names[i*7919%topics], Data: payload})
				r.read(1)
				r.got = nil
			}
		})
	}
}

// BenchmarkFanOutOfOneStream is a round after which each topic of one client has something new.
func BenchmarkFanOutOfOneStream(b *testing.B) {
	for _, topics := range []int{100, 1000, maxTopics} {
		b.Run(fmt.Sprint(topics), func(b *testing.B) {
			s := newStill(64 << 20)
			names := topicNames(topics)
			r := s.join("", names...)
			for i := int64(1); b.Loop(); {
				s.round(few, true)
				for _, name := range names {
					s.addAndFanOut(Event{ID: i, Topic: name, Data: payload})
					i++
				}
				s.round(few, false)
				r.readAll()
				r.got = nil
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*topics), "ns/event")
		})
	}
}

func topicNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprint("topic/", i)
	}
	return names
}

// heapInUse returns how many bytes are in use.
func heapInUse() int64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// A topic with one event and nobody takes no more than 400 bytes beyond the event and its name, and
// no more than counts against the bound.
func TestTopicsMemory(t *testing.T) {
	const topics = 100_000
	before := heapInUse()
	s := newStill(1 << 30)
	event := Event{Data: payload}
	for i := range topics {
		event.ID, event.Topic = int64(i)+1, fmt.Sprintf("%032d", i)
		s.topics.add(event)
	}
	each := (heapInUse() - before) / topics
	counted := s.topics.retained / topics
	beyond := each - int64(len(event.appendTo(nil))) - 32
	t.Logf("%d bytes a topic, %d beyond its event and its name; %d count against the bound", each, beyond, counted)
	if beyond > 400 || each > counted {
		t.Errorf("a topic takes %d bytes, %d beyond its event and its name; %d count against the bound", each, beyond, counted)
	}
	runtime.KeepAlive(s)
}

// A client of a topic of its own takes no more than half a KiB more than one of the default topic.
func TestTopicsMemoryOfAClient(t *testing.T) {
	const clients = 20_000
	measure := func(name func(i int) string) int64 {
		before := heapInUse()
		s := newStill(DefaultHistory)
		for i := range clients {
			s.join("", name(i))
		}
		each := (heapInUse() - before) / clients
		runtime.KeepAlive(s)
		return each
	}
	shared := measure(func(int) string { return "" })
	own := measure(func(i int) string { return fmt.Sprintf("user/%d/mail", i) })
	t.Logf("%d bytes a client of the default topic, %d of one of its own", shared, own)
	if own > shared+512 {
		t.Errorf("%d bytes a client of the default topic, %d of one of its own", shared, own)
	}
}
