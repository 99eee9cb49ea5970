package store

import (
	"bytes"

	"example.com/sse/sse"

	bolt "go.etcd.io/bbolt"
)

const (
	// keepEvents is how many of a topic's last events are kept longer than the rest: a busy topic pushes the events
	// of all others out of the window, but not these.
	keepEvents = 10

	// maxLowering is how many bytes one transaction evicts at most beyond what it adds. After a start with a
	// smaller Options.Bytes than before, gigabytes may have to go, and publishers would wait for them all.
	maxLowering = 4 << 20

	// eventCost is how many bytes an event costs beside its name, its data and twice its topic: about what its keys and
	// its log entry take.
	eventCost = 64
)

// cost returns how many bytes an event counts against the bound, as Options.Bytes says.
func cost(e sse.Event) int64 {
	return int64(eventCost + 2*len(e.Topic) + len(e.Name) + len(e.Data))
}

// A writer adds events in a transaction, and evicts others. The rule is that of the broker's memory. Retained are
//
//   - the window: the last events of all topics;
//   - what is kept: of the events that have left the window those that are still among their topic's last keepEvents, in
//     at most half of the bound. They are the events of the log that are before the window;
//   - always the newest event.
//
// What is evicted of a topic is always its oldest event.
//
// A cursor is moved by Seek, First and Next, and never by Prev: that returns nil at a page whose events were all evicted
// in the same transaction, as though there were no event before it.
type writer struct {
	state         *state
	max           int64 // bound of the retained events' cost
	meta, log     *bolt.Bucket
	events, parts *bolt.Bucket
	mayEvict      int64 // how much more this transaction evicts at most
	inLog         *bolt.Cursor
	inEvents      *bolt.Cursor
}

func newWriter(tx *bolt.Tx, st *state, max int64) *writer {
	w := &writer{state: st, max: max, mayEvict: maxLowering, meta: tx.Bucket(metaBucket), log: tx.Bucket(logBucket), events: tx.Bucket(eventsBucket), parts: tx.Bucket(partsBucket)}
	// Buckets log and parts grow only at their end, so their pages need no room for more. Bucket events grows at the end of
	// each topic, so its pages keep a tenth free.
	w.log.FillPercent, w.parts.FillPercent, w.events.FillPercent = 1, 1, 0.9
	w.inLog, w.inEvents = w.log.Cursor(), w.events.Cursor()
	return w
}

func (w *writer) putState() error { return w.meta.Put(stateKey, w.state.encode()) }

// add adds an event that has its ID, and evicts what there is no more room for.
func (w *writer) add(e sse.Event) error {
	prefix := topicKey(e.Topic)
	oldest, known := w.oldestOf(prefix)
	if !known && w.state.forgotten > 0 {
		// The topic may be one that retains nothing any more, so it may have lost events up to this ID.
		if err := w.events.Put(prefix, idKey(w.state.forgotten)); err != nil {
			return err
		}
	}
	if err := w.put(e); err != nil {
		return err
	}
	st := w.state
	st.last = e.ID
	st.events++
	st.windowEvents++
	st.bytes += cost(e)
	w.mayEvict += cost(e)
	// Where the topic's oldest event has left the window, it is kept only while it is among the topic's last keepEvents.
	if oldest > 0 && oldest < st.window && !w.isLast(prefix, oldest) {
		if err := w.evict(oldest); err != nil {
			return err
		}
	}
	for st.bytes > w.max && st.events > 1 && w.mayEvict > 0 {
		evictsKept := st.keptBytes > w.max/2 || st.windowEvents == 1 // The window's only event is the newest.
		var err error
		if evictsKept {
			key, _ := w.inLog.First()
			err = w.evictKey(key)
		} else {
			err = w.shrinkWindow()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// put writes an event.
func (w *writer) put(e sse.Event) error {
	key := eventKey(e.Topic, e.ID)
	r := newRecord(len(key), e.Name, e.Data)
	if err := w.events.Put(key, r.encode()); err != nil {
		return err
	}
	for i, rest := 0, e.Data; r.partsLen > 0 && len(rest) > 0; i++ {
		part := rest[:min(partLen, len(rest))]
		rest = rest[len(part):]
		if err := w.parts.Put(partKey(e.ID, i), part); err != nil {
			return err
		}
	}
	return w.log.Put(idKey(e.ID), logEntry{cost(e), []byte(e.Topic)}.encode())
}

// oldestOf returns the ID of a topic's oldest event, 0 where it retains none, and whether anything is known of the topic.
func (w *writer) oldestOf(prefix []byte) (id int64, known bool) {
	key, _ := w.inEvents.Seek(prefix)
	if known = bytes.HasPrefix(key, prefix); known && len(key) == len(prefix) {
		key, _ = w.inEvents.Next()
	}
	if bytes.HasPrefix(key, prefix) {
		_, id, _ = splitKey(key)
	}
	return id, known
}

// isLast tells whether an event is among its topic's last keepEvents.
func (w *writer) isLast(prefix []byte, id int64) bool {
	w.inEvents.Seek(append(prefix[:len(prefix):len(prefix)], idKey(id)...))
	for range keepEvents {
		if key, _ := w.inEvents.Next(); !bytes.HasPrefix(key, prefix) {
			return true
		}
	}
	return false
}

// shrinkWindow takes the oldest event out of the window, and evicts it unless it is kept.
func (w *writer) shrinkWindow() error {
	key, value := w.inLog.Seek(idKey(w.state.window))
	id, err := parseID(key)
	if err != nil {
		return err
	}
	entry, err := decodeLogEntry(value)
	if err != nil {
		return err
	}
	w.state.window = id + 1
	w.state.windowEvents--
	w.state.keptBytes += entry.cost
	if w.isLast(topicKey(string(entry.topic)), id) {
		return nil
	}
	// It is its topic's oldest: an older one would be among the topic's last keepEvents, and then this one would be, too.
	return w.evictKey(key)
}

func (w *writer) evict(id int64) error { return w.evictKey(idKey(id)) }

// evictKey evicts the event that has a key in the log. The event has to be its topic's oldest, and not in the window.
func (w *writer) evictKey(key []byte) error {
	id, err := parseID(key)
	if err != nil {
		return err
	}
	entry, err := decodeLogEntry(w.log.Get(key))
	if err != nil {
		return err
	}
	st, prefix := w.state, topicKey(string(entry.topic))
	st.events--
	st.bytes -= entry.cost
	w.mayEvict -= entry.cost
	st.keptBytes -= entry.cost
	st.evicted = max(st.evicted, id)
	if err := w.log.Delete(idKey(id)); err != nil {
		return err
	}
	if err := w.deleteEvent(append(prefix[:len(prefix):len(prefix)], idKey(id)...), id); err != nil {
		return err
	}
	// The key that is the prefix alone is no event's: the search begins after it.
	if next, _ := w.inEvents.Seek(append(prefix[:len(prefix):len(prefix)], 0)); bytes.HasPrefix(next, prefix) {
		return w.events.Put(prefix, idKey(id))
	}
	st.forgotten = max(st.forgotten, id)
	return w.events.Delete(prefix)
}

// deleteEvent deletes an event with the parts of its data.
func (w *writer) deleteEvent(key []byte, id int64) error {
	r, err := decodeRecord(w.events.Get(key))
	if err != nil {
		return err
	}
	for i := range (r.partsLen + partLen - 1) / partLen {
		if err := w.parts.Delete(partKey(id, i)); err != nil {
			return err
		}
	}
	return w.events.Delete(key)
}
