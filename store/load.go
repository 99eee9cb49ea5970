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
	// loadedCost is what an event takes in the broker's memory beyond what it counts here, about.
	loadedCost = 40

	// quietTimeout is how long the last events of quiet topics are looked for: there may be half a million topics. What
	// is not found in that time is not in the broker's memory, and clients get it from the file.
	quietTimeout = 300 * time.Millisecond

	// loadBatch is how many events are read in one transaction.
	loadBatch = 1024
)

// A place is where an event is.
type place struct {
	id    int64
	topic string
	cost  int64
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

// findTail returns the IDs of the first and the last event of those that fit into the broker's memory, 0 where there is none. None of
// them is before the window: what is between two events that are kept may be missing.
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
		if room -= entry.cost + loadedCost; id < window || room < 0 && last > 0 {
			break
		}
		if first = id; last == 0 {
			last = id
		}
	}
	return first, last, nil
}

// findQuiet returns the last events of each topic that are before an ID, the newest of them, as many as there is room
// for, in the order of their IDs.
func findQuiet(tx *bolt.Tx, before, room int64, until time.Time) (quiet []place, err error) {
	in := tx.Bucket(eventsBucket).Cursor()
	for key, _ := in.First(); key != nil && time.Now().Before(until); {
		topic, _, err := splitKey(key)
		if err != nil {
			return nil, err
		}
		prefix := topicKey(string(topic))
		end := append(prefix[:len(prefix)-1:len(prefix)-1], 1) // after all keys of the topic
		next, _ := in.Seek(end)
		next = bytes.Clone(next)
		at, value := in.Prev()
		if next == nil {
			at, value = in.Last()
		}
		for n := 0; n < keepEvents && bytes.HasPrefix(at, prefix) && len(at) > len(prefix); n++ {
			_, id, err := splitKey(at)
			if err != nil {
				return nil, err
			}
			if id < before {
				quiet = append(quiet, place{id, string(topic), int64(len(value) + eventCost + loadedCost)})
			}
			at, value = in.Prev()
		}
		if next == nil {
			break
		}
		key, _ = in.Seek(next)
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

// loadQuiet gives the broker events that are at places.
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

// loadTail gives the broker all events from one to another.
func (s *Store) loadTail(first, last int64) error {
	gap := sse.AnyGap // What is before them was left out, or may have been evicted.
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
