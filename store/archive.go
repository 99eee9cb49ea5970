package store

import (
	"bytes"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"iter"

	"example.com/sse/sse"

	bolt "go.etcd.io/bbolt"
)

const (
	// pieceBytes is how many bytes of events are read in one transaction, and pieceTopics is in how many topics one
	// transaction looks for the first event.
	pieceBytes  = 64 << 10
	pieceTopics = 1000
)

// errOvertaken is the error where eviction has overtaken a client that reads.
var errOvertaken = errors.New("store: the next event was evicted before it was read")

// read is the broker's [sse.Archive]: it returns the events of topics after an ID, in the order of their IDs, up to the
// newest that the broker has been given, and whether none of them is missing. They are read in pieces, each in a
// transaction of its own, and no transaction is open while a client takes what was read. Where an event is evicted before
// its piece was read, the sequence ends with an error.
func (s *Store) read(ctx context.Context, topics []string, after int64) (complete bool, events iter.Seq2[sse.Event, error]) {
	m := &merge{until: s.fed.Load()}
	complete, err := s.start(ctx, m, topics, after)
	return complete && err == nil, func(yield func(sse.Event, error) bool) {
		for err == nil && len(m.next) > 0 {
			var piece []sse.Event
			if piece, err = s.readPiece(ctx, m); err != nil {
				break
			}
			for _, e := range piece {
				if !yield(e, nil) {
					return
				}
			}
		}
		if err != nil {
			yield(sse.Event{}, err)
		}
	}
}

// A merge is what is still to be read of some topics, up to an ID.
type merge struct {
	until int64
	next  heads
}

// A head is the next event of a topic.
type head struct {
	prefix []byte // of the topic's keys
	id     int64
}

// heads are the topics' next events as a heap (container/heap) by ID: the first of all is at the front.
type heads []head

func (h heads) Len() int           { return len(h) }
func (h heads) Less(i, j int) bool { return h[i].id < h[j].id }
func (h heads) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *heads) Push(x any)        { *h = append(*h, x.(head)) }
func (h *heads) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// start looks for the first event after an ID of each topic, and tells whether none of the events after the ID is missing.
func (s *Store) start(ctx context.Context, m *merge, topics []string, after int64) (complete bool, err error) {
	complete = true
	after = max(after, 0)
	for len(topics) > 0 && err == nil {
		part := topics[:min(pieceTopics, len(topics))]
		topics = topics[len(part):]
		err = s.readInTurn(ctx, func(tx *bolt.Tx) error {
			st, err := decodeState(tx.Bucket(metaBucket).Get(stateKey))
			if err != nil {
				return err
			}
			complete = complete && after >= st.born
			in := tx.Bucket(eventsBucket).Cursor()
			for _, topic := range part {
				evicted, err := m.find(in, topicKey(topic), after, st)
				if err != nil {
					return err
				}
				complete = complete && after >= evicted
			}
			return nil
		})
	}
	heap.Init(&m.next)
	return complete, err
}

// find looks for a topic's first event after an ID, and returns the ID up to which the topic's events were, or may
// have been, evicted.
func (m *merge) find(in *bolt.Cursor, prefix []byte, after int64, st state) (evicted int64, err error) {
	key, value := in.Seek(prefix)
	switch {
	case !bytes.HasPrefix(key, prefix):
		return st.forgotten, nil // The file has nothing of the topic.
	case len(key) == len(prefix):
		if evicted, err = parseID(value); err != nil {
			return 0, err
		}
	}
	key, _ = in.Seek(append(prefix[:len(prefix):len(prefix)], idKey(after+1)...))
	return evicted, m.push(prefix, key)
}

// push takes note of a topic's next event, unless the key is another topic's or comes too late.
func (m *merge) push(prefix, key []byte) error {
	if !bytes.HasPrefix(key, prefix) {
		return nil
	}
	_, id, err := splitKey(key)
	if err == nil && id <= m.until {
		m.next = append(m.next, head{prefix, id})
	}
	return err
}

// readPiece reads the next events, in their order.
func (s *Store) readPiece(ctx context.Context, m *merge) (piece []sse.Event, err error) {
	err = s.readInTurn(ctx, func(tx *bolt.Tx) error {
		in, parts := tx.Bucket(eventsBucket).Cursor(), tx.Bucket(partsBucket)
		var at, value []byte // where the cursor is
		for size := 0; size < pieceBytes && len(m.next) > 0; {
			next := &m.next[0]
			key := append(next.prefix[:len(next.prefix):len(next.prefix)], idKey(next.id)...)
			if !bytes.Equal(at, key) {
				if at, value = in.Seek(key); !bytes.Equal(at, key) {
					return errOvertaken
				}
			}
			e, err := readEvent(parts, next.id, string(next.prefix[:len(next.prefix)-1]), value)
			if err != nil {
				return err
			}
			piece = append(piece, e)
			size += int(cost(e))
			at, value = in.Next()
			if !bytes.HasPrefix(at, next.prefix) {
				heap.Pop(&m.next)
				continue
			}
			if _, next.id, err = splitKey(at); err != nil {
				return err
			}
			if next.id > m.until {
				heap.Pop(&m.next)
			} else {
				heap.Fix(&m.next, 0)
			}
		}
		return nil
	})
	return piece, err
}

// readEvent returns the event of a value, with copies of what the value has.
func readEvent(parts *bolt.Bucket, id int64, topic string, value []byte) (sse.Event, error) {
	r, err := decodeRecord(value)
	if err != nil {
		return sse.Event{}, err
	}
	e := sse.Event{ID: id, Topic: topic, Name: string(r.name), Data: bytes.Clone(r.data)}
	if r.partsLen > 0 {
		e.Data = make([]byte, 0, min(r.partsLen, maxBatchBytes))
		in := parts.Cursor()
		for key, part := in.Seek(partKey(id, 0)); bytes.HasPrefix(key, idKey(id)); key, part = in.Next() {
			e.Data = append(e.Data, part...)
		}
		if len(e.Data) != r.partsLen {
			return sse.Event{}, fmt.Errorf("%w: a part of an event", errFormat)
		}
	}
	return e, nil
}

// readInTurn is view for one reader at a time. The file is mapped, so a goroutine that needs a page from the disk waits
// without a system call, and the runtime lets no other goroutine run on that processor until the page is there. As
// many readers as there are processors would stop the program.
func (s *Store) readInTurn(ctx context.Context, fn func(*bolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.reading.Lock()
	defer s.reading.Unlock()
	return s.view(fn)
}
