package store

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"example.com/sse/sse"

	bolt "go.etcd.io/bbolt"
)

const (
	// loadedCost is about how many more bytes an event counts in the broker's memory than on disk.
	loadedCost = 40

	// quietTimeout is how long the last events of quiet topics are looked for: there may be half a million topics. What
	// is not found in that time is not in the broker's memory, and clients get it from the file.
	quietTimeout = 300 * time.Millisecond

	// loadBatch is how many events are read in one transaction.
	loadBatch = 1024
)

// A place is where an event is on disk.
type place struct {
	id    int64
	topic string
	cost  int64 // in the broker's memory, in bytes; without the parts of long data
}

// load fills the broker with the newest events, as many as it retains, and with the last events of the topics that have
// none among them.
func (s *Store) load() error {
	room := int64(s.broker.Options().History)
	var quiet []place
	var tail, last int64
	err := s.view(func(tx *bolt.Tx) (err error) {
		st, err := decodeState(tx.Bucket(metaBucket).Get(stateKey))
		if err != nil {
			return err
		}
		if tail, last, err = findTail(tx, st.window, room); err != nil || last == 0 {
			return err
		}
		quiet, err = findQuiet(tx, tail, room/2, time.Now().Add(quietTimeout))
		return err
	})
	if err != nil || last == 0 {
		return err
	}
	s.fed.Store(last)
	if err := s.loadQuiet(quiet); err != nil {
		return err
	}
	return s.loadTail(tail, last)
}

// findTail returns the IDs of the first and the last of the newest events that fit into the broker's memory, and 0 where
// there is no event. It takes none from before the window: between two events that are kept others may be missing.
func findTail(tx *bolt.Tx, window, room int64) (first, last int64, err error) {
	in := tx.Bucket(logBucket).Cursor()
	for key, value := in.Last(); key != nil; key, value = in.Prev() {
		id, err := parseID(key)
		if err != nil {
			return 0, 0, err
		}
		entry, err := decodeLogEntry(value)
		if err != nil {
			return 0, 0, err
		}
		room -= entry.cost + loadedCost
		isNewest := last == 0
		if id < window || room < 0 && !isNewest { // The newest event is loaded whatever its size.
			break
		}
		first = id
		if isNewest {
			last = id
		}
	}
	return first, last, nil
}

// findQuiet looks through the last events of each topic, keepEvents of them, and returns those that are before an ID. If
// there is not room for all, it returns the newest. They are in the order of their IDs.
func findQuiet(tx *bolt.Tx, before, room int64, until time.Time) (quiet []place, err error) {
	in := tx.Bucket(eventsBucket).Cursor()
	for key, _ := in.First(); key != nil && time.Now().Before(until); {
		topic, _, err := splitKey(key)
		if err != nil {
			return nil, err
		}
		last, next, err := lastOf(in, string(topic))
		if err != nil {
			return nil, err
		}
		for _, p := range last {
			if p.id < before {
				quiet = append(quiet, p)
			}
		}
		key = next
	}
	slices.SortFunc(quiet, func(a, b place) int { return cmp.Compare(b.id, a.id) })
	for i := range quiet {
		if room -= quiet[i].cost; room < 0 {
			quiet = quiet[:i]
			break
		}
	}
	slices.Reverse(quiet)
	return quiet, nil
}

// lastOf returns a topic's last events, keepEvents at most, the newest first, and the first key of the next topic, or nil
// where there is no next one.
func lastOf(in *bolt.Cursor, topic string) (last []place, next []byte, err error) {
	prefix := topicKey(topic)
	afterTopic := append(prefix[:len(prefix)-1:len(prefix)-1], 1) // after all keys of the topic, which go on with a byte 0
	var value []byte
	key, _ := in.Seek(afterTopic)
	if key == nil {
		key, value = in.Last()
	} else {
		next = bytes.Clone(key)
		key, value = in.Prev()
	}
	for len(last) < keepEvents && bytes.HasPrefix(key, prefix) && len(key) > len(prefix) {
		_, id, err := splitKey(key)
		if err != nil {
			return nil, nil, err
		}
		last = append(last, place{id, topic, int64(len(value) + eventCost + loadedCost)})
		key, value = in.Prev()
	}
	return last, next, nil
}

// loadQuiet gives the broker the events at some places.
func (s *Store) loadQuiet(quiet []place) error {
	for part := range slices.Chunk(quiet, loadBatch) {
		var events []sse.Event
		err := s.view(func(tx *bolt.Tx) error {
			parts := tx.Bucket(partsBucket)
			for _, p := range part {
				e, err := readEvent(parts, p.id, p.topic, tx.Bucket(eventsBucket).Get(eventKey(p.topic, p.id)))
				if err != nil {
					return err
				}
				events = append(events, e)
			}
			return nil
		})
		if err != nil {
			return err
		}
		if err := s.give(events); err != nil {
			return err
		}
	}
	return nil
}

// loadTail gives the broker all events from the ID first to the ID last.
func (s *Store) loadTail(first, last int64) error {
	gap := sse.AnyGap // Events before the first one were left out, or may have been evicted.
	for first <= last {
		var events []sse.Event
		err := s.view(func(tx *bolt.Tx) error {
			parts, in := tx.Bucket(partsBucket), tx.Bucket(eventsBucket)
			log := tx.Bucket(logBucket).Cursor()
			size := 0
			for key, value := log.Seek(idKey(first)); key != nil && len(events) < loadBatch && size < maxBatchBytes; key, value = log.Next() {
				entry, err := decodeLogEntry(value)
				if err != nil {
					return err
				}
				id, err := parseID(key)
				if err != nil {
					return err
				}
				e, err := readEvent(parts, id, string(entry.topic), in.Get(eventKey(string(entry.topic), id)))
				if err != nil {
					return err
				}
				e.Gap, gap = gap, sse.NoGap
				events = append(events, e)
				size += len(e.Data)
			}
			return nil
		})
		switch {
		case err != nil:
			return err
		case len(events) == 0:
			return nil
		}
		if err := s.give(events); err != nil {
			return err
		}
		first = events[len(events)-1].ID + 1
	}
	return nil
}

// give gives the broker events.
func (s *Store) give(events []sse.Event) error {
	for _, e := range events {
		if err := s.broker.Publish(context.Background(), e); err != nil {
			return err
		}
	}
	return nil
}
