package store

import (
	"encoding/binary"
	"errors"
	"fmt"

	"example.com/sse/internal/text"
)

// version is the version of what format.go and state.go write. Whoever changes what they write increases it, and
// still reads files of this version.
const version = 1

// The names of the buckets and of the keys in bucket meta.
var (
	metaBucket   = []byte("meta")
	logBucket    = []byte("log")
	eventsBucket = []byte("events")
	partsBucket  = []byte("parts")
	versionKey   = []byte("version")
	stateKey     = []byte("state")
)

const (
	// pageSize is the file's, on every machine: a file can be moved to another.
	pageSize = 4096

	// maxInline is how many bytes the key and the value of an event have at most together, unless its name alone is longer,
	// and partLen how many a part of data has. Two of either fit into a page: bbolt leaves at least two keys in a page that
	// it splits, whatever their size. It does not split up to four keys, which may so take two pages side by side.
	maxInline = 1980
	partLen   = 1980
)

// The first byte of an event's value says where its data is. Neither is 0, so that zeroed bytes are no value.
const (
	dataInline  = 1 // after the name
	dataInParts = 2 // in bucket parts; the value has the number of its bytes
)

var errFormat = errors.New("an entry can't be read")

// idKey returns the key of an ID. IDs are positive.
func idKey(id int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(id)) }

// parseID returns the ID of a key.
func parseID(key []byte) (int64, error) {
	if len(key) != 8 || key[0] > 127 {
		return 0, fmt.Errorf("%w: an ID", errFormat)
	}
	return int64(binary.BigEndian.Uint64(key)), nil
}

// topicKey returns the key under which bucket events has the ID of the topic's event that was evicted last. The keys of
// the topic's events begin with it, and come after it.
func topicKey(topic string) []byte {
	return append(append(make([]byte, 0, len(topic)+9), topic...), 0)
}

// eventKey returns the key of an event.
func eventKey(topic string, id int64) []byte {
	return binary.BigEndian.AppendUint64(topicKey(topic), uint64(id))
}

// partKey returns the key of a part of an event's data.
func partKey(id int64, part int) []byte {
	return binary.BigEndian.AppendUint32(idKey(id), uint32(part))
}

// splitKey returns the topic and the ID of a key of bucket events. For a topicKey the ID is 0.
func splitKey(key []byte) (topic []byte, id int64, err error) {
	end := len(key) - 1
	if len(key) > 8 && key[len(key)-9] == 0 {
		end = len(key) - 9
		if id, err = parseID(key[end+1:]); err != nil {
			return nil, 0, err
		}
	}
	if end < 0 || key[end] != 0 {
		return nil, 0, fmt.Errorf("%w: an event's key", errFormat)
	}
	return key[:end], id, nil
}

// A record is an event's value.
type record struct {
	name     []byte
	data     []byte // nil where it is in parts
	partsLen int    // how many bytes of data are in parts; 0 where data has them
}

// newRecord returns the record of an event. keyLen is the length of the event's key.
func newRecord(keyLen int, name string, data []byte) record {
	if keyLen+1+2*binary.MaxVarintLen64+len(name)+len(data) > maxInline {
		return record{name: []byte(name), partsLen: len(data)}
	}
	return record{name: []byte(name), data: data}
}

// encode returns the value of a record.
func (r record) encode() []byte {
	b := make([]byte, 0, 1+2*binary.MaxVarintLen64+len(r.name)+len(r.data))
	if r.partsLen > 0 {
		b = binary.AppendUvarint(append(b, dataInParts), uint64(r.partsLen))
	} else {
		b = append(b, dataInline)
	}
	b = binary.AppendUvarint(b, uint64(len(r.name)))
	return append(append(b, r.name...), r.data...)
}

// decodeRecord returns the record in a value, whose bytes it refers to.
func decodeRecord(b []byte) (r record, err error) {
	kind, b, ok := cutByte(b)
	if ok && kind == dataInParts {
		var n uint64
		n, b, ok = cutUvarint(b)
		ok = ok && n > 0 && n < 1<<40 // Data comes from memory: a TiB of it means that the bytes are damaged.
		r.partsLen = int(n)
	}
	length, b, isNumber := cutUvarint(b)
	if !ok || kind != dataInline && kind != dataInParts || !isNumber || length > uint64(len(b)) {
		return record{}, fmt.Errorf("%w: an event", errFormat)
	}
	r.name, r.data = b[:length], b[length:]
	if kind == dataInParts && len(r.data) > 0 || !text.IsLine(string(r.name)) {
		return record{}, fmt.Errorf("%w: an event", errFormat)
	}
	return r, nil
}

// A logEntry is a value of bucket log.
type logEntry struct {
	cost  int64
	topic []byte
}

func (l logEntry) encode() []byte {
	return append(binary.AppendUvarint(make([]byte, 0, binary.MaxVarintLen64+len(l.topic)), uint64(l.cost)), l.topic...)
}

// decodeLogEntry returns the entry in a value, whose bytes it refers to.
func decodeLogEntry(b []byte) (logEntry, error) {
	cost, topic, ok := cutUvarint(b)
	// No event costs 1<<50: its data is shorter than 1<<40 bytes (decodeRecord).
	if !ok || cost < eventCost || cost > 1<<50 || !text.IsTopic(string(topic)) {
		return logEntry{}, fmt.Errorf("%w: an entry of the log", errFormat)
	}
	return logEntry{int64(cost), topic}, nil
}

func cutByte(b []byte) (first byte, rest []byte, ok bool) {
	if len(b) == 0 {
		return 0, nil, false
	}
	return b[0], b[1:], true
}

func cutUvarint(b []byte) (n uint64, rest []byte, ok bool) {
	n, length := binary.Uvarint(b)
	if length <= 0 {
		return 0, nil, false
	}
	return n, b[length:], true
}
