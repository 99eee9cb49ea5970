package store

import (
	"bytes"
	"errors"
	"testing"
)

func FuzzRecord(f *testing.F) {
	f.Add([]byte("alert"), []byte("data"), 0)
	f.Add([]byte(""), []byte(""), 7)
	f.Add([]byte("é"), bytes.Repeat([]byte{0}, maxInline), 265)
	f.Add([]byte{dataInParts, 200, 1, 0}, []byte{dataInline, 5}, 0)
	f.Fuzz(func(t *testing.T, name, data []byte, key int) {
		r := newRecord(key&0xffff, string(name), data)
		if r.parts == 0 && !bytes.Equal(r.data, data) || r.parts != 0 && (r.parts != len(data) || r.data != nil) {
			t.Fatalf("the record of %q and %q is %+v", name, data, r)
		}
		value := r.encode()
		if key&0xffff+len(value) > maxInline && r.parts == 0 && len(data) > 0 {
			t.Errorf("%d bytes are in one value", len(data))
		}
		got, err := decodeRecord(value)
		if err == nil && (!bytes.Equal(got.name, name) || !bytes.Equal(got.data, r.data) || got.parts != r.parts) {
			t.Errorf("%+v is read as %+v", r, got)
		}
		// Any bytes are a record that is written as it was read, or an error.
		for _, any := range [][]byte{name, data, append(value, data...)} {
			r, err := decodeRecord(any)
			if err != nil && !errors.Is(err, errFormat) {
				t.Errorf("%q: %v", any, err)
			}
			if again, againErr := decodeRecord(r.encode()); err == nil && (againErr != nil || !bytes.Equal(again.name, r.name) || !bytes.Equal(again.data, r.data) || again.parts != r.parts) {
				t.Errorf("%q is read as %+v, and then as %+v, %v", any, r, again, againErr)
			}
		}
	})
}

func FuzzKeys(f *testing.F) {
	f.Add("mail/anna", int64(1795345092524158), []byte("x"))
	f.Add("", int64(0), []byte{0})
	f.Fuzz(func(t *testing.T, topic string, id int64, any []byte) {
		if id >= 0 && !bytes.Contains([]byte(topic), []byte{0}) {
			if got, gotID, err := splitKey(eventKey(topic, id)); string(got) != topic || gotID != id || err != nil {
				t.Errorf("%q, %d is read as %q, %d, %v", topic, id, got, gotID, err)
			}
			if got, gotID, err := splitKey(topicKey(topic)); string(got) != topic || gotID != 0 || err != nil {
				t.Errorf("%q is read as %q, %d, %v", topic, got, gotID, err)
			}
			if bytes.Compare(topicKey(topic), eventKey(topic, id)) >= 0 || id > 0 && bytes.Compare(eventKey(topic, id-1), eventKey(topic, id)) >= 0 {
				t.Errorf("the keys of %q, %d are not in their order", topic, id)
			}
		}
		if topic, id, err := splitKey(any); err == nil && len(any) != len(topic)+1 && !bytes.Equal(eventKey(string(topic), id), any) {
			t.Errorf("%q is read as %q, %d", any, topic, id)
		}
		if l, err := decodeLogEntry(any); err == nil {
			if again, err := decodeLogEntry(l.encode()); err != nil || again.cost != l.cost || !bytes.Equal(again.topic, l.topic) {
				t.Errorf("%q is read as %+v, and then as %+v, %v", any, l, again, err)
			}
		}
		if st, err := decodeState(any); err == nil && !bytes.Equal(st.encode(), any) {
			t.Errorf("%q is read as %+v", any, st)
		}
	})
}
