package demo

import (
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"
)

// Topic returns a topic's name.
func Topic(n int) string { return fmt.Sprintf("topic-%d", n) }

// Publish calls publish for each event until it returns an error: as [Every] does, with the empty
// topic, or to the topics that the flags ask for. IDs rise by one over all topics.
func (f Flags) Publish(publish func(topic string, id int64, payload []byte) error) error {
	if f.Publishers > 0 {
		return f.together(func(payload []byte) error { return publish("", 0, payload) })
	}
	if f.Topics == 0 {
		return Every(f.Interval, func(id int64, payload []byte) error { return publish("", id, payload) })
	}
	timings, err := OpenTimings(f.Timings)
	if err != nil {
		return err
	}
	id := time.Now().UnixMicro()
	to := func(topic int) error {
		id++
		name, payload := Topic(topic), Payload(time.Now())
		began := time.Now()
		if err := publish(name, id, payload); err != nil {
			return err
		}
		timings.add(time.Since(began))
		return nil
	}
	if f.Each {
		return f.toEach(to)
	}
	return f.atRandom(to)
}

// atRandom publishes to topics at random, an event each interval. What a publication that took
// long has delayed follows at once.
func (f Flags) atRandom(to func(topic int) error) error {
	for range f.toggle {
		for next := time.Now(); len(f.toggle) == 0; next = next.Add(f.Interval) {
			time.Sleep(time.Until(next))
			if err := to(rand.IntN(f.Topics)); err != nil {
				return err
			}
		}
		<-f.toggle
	}
	return nil
}

// toEach publishes to the first topic, and when told again to all others. What is resident afterwards
// is what the process needs: its garbage is collected.
func (f Flags) toEach(to func(topic int) error) error {
	for _, topics := range [][2]int{{0, 1}, {1, f.Topics}} {
		<-f.toggle
		for topic := topics[0]; topic < topics[1]; topic++ {
			if err := to(topic); err != nil {
				return err
			}
		}
		debug.FreeOSMemory()
	}
	return nil
}
