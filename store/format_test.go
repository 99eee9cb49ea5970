package store

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"example.com/sse/sse"
)

// A field that sse.Event gets is lost on disk until a record has it.
func TestEventFromDiskHasEachField(t *testing.T) {
	s := openStore(t, t.TempDir(), 0)
	e := sse.Event{Topic: "mail/anna", Name: "alert", Data: []byte("hello")}
	if err := s.Publish(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	_, events := readAll(t, s, 0, e.Topic)
	if len(events) != 1 {
		t.Fatalf("%d events are on disk", len(events))
	}
	for field, want := range reflect.ValueOf(e).Fields() {
		got := reflect.ValueOf(events[0]).FieldByIndex(field.Index)
		switch {
		case field.Name == "ID" || field.Name == "Gap": // They are the store's to give.
		case want.IsZero():
			t.Errorf("the test gives %s no value", field.Name)
		case !reflect.DeepEqual(got.Interface(), want.Interface()):
			t.Errorf("%s is %v, want %v", field.Name, got, want)
		}
	}
}

func FuzzRecord(f *testing.F) {
	f.Add([]byte("alert"), []byte("data"), 0)
	f.Add([]byte(""), []byte(""), 7)
	f.Add([]byte("é"), bytes.Repeat([]byte{0}, maxInline), 265)
	f.Add([]byte{dataInParts, 200, 1, 0}, []byte{dataInline, 5}, 0)
	f.Fuzz(func(t *testing.T, name, data []byte, key int) {
		r := newRecord(key&0xffff, string(name), data)
		if r.partsLen == 0 && !bytes.Equal(r.data, data) || r.partsLen != 0 && (r.partsLen != len(data) || r.data != nil) {
			t.Fatalf("the record of %q and %q is %+v", name, data, r)
		}
		value := r.encode()
		if key&0xffff+len(value) > maxInline && r.partsLen == 0 && len(data) > 0 {
			t.Errorf("%d bytes are in one value", len(data))
		}
		got, err := decodeRecord(value)
		if err == nil && (!bytes.Equal(got.name, name) || !bytes.Equal(got.data, r.data) || got.partsLen != r.partsLen) {
			t.Errorf("%+v is read as %+v", r, got)
		}
		// Any bytes are a record that is written as it was read, or an error.
		for _, any := range [][]byte{name, data, append(value, data...)} {
			r, err := decodeRecord(any)
			if err != nil && !errors.Is(err, errFormat) {
				t.Errorf("%q: %v", any, err)
			}
			if again, againErr := decodeRecord(r.encode()); err == nil && (againErr != nil || !bytes.Equal(again.name, r.name) || !bytes.Equal(again.data, r.data) || again.partsLen != r.partsLen) {
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
