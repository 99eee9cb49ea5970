package sse

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"example.com/sse/internal/text"
)

func TestFrameBytes(t *testing.T) {
	for _, test := range []struct{ name, data, frame string }{
		{"one line", "a", "id: 7\ndata: a\n\n"},
		{"LF", "a\nb", "id: 7\ndata: a\ndata: b\n\n"},
		{"CR", "a\rb", "id: 7\ndata: a\ndata: b\n\n"},
		{"CRLF", "a\r\nb", "id: 7\ndata: a\ndata: b\n\n"},
		{"LF CR are two ends", "a\n\rb", "id: 7\ndata: a\ndata: \ndata: b\n\n"},
		{"ends in LF", "a\n", "id: 7\ndata: a\ndata: \n\n"},
		{"ends in CRLF", "a\r\n", "id: 7\ndata: a\ndata: \n\n"},
		{"empty", "", "id: 7\ndata: \n\n"},
		{"blank lines", "\n\n", "id: 7\ndata: \ndata: \ndata: \n\n"},
		{"space kept", " a", "id: 7\ndata:  a\n\n"},
		{"non-ASCII", "你好, €", "id: 7\ndata: 你好, €\n\n"},
		{"Latin-1", "caf\xe9, \xff\xfe\xfd!", "id: 7\ndata: caf\ufffd, \ufffd!\n\n"},
		{"line ends among bytes that are not UTF-8", "\xe2\x82\n\xac\r\n\xf0\r", "id: 7\ndata: \ufffd\ndata: \ufffd\ndata: \ufffd\ndata: \n\n"},
		{"NUL", "a\x00b", "id: 7\ndata: a\x00b\n\n"},
		{"no field smuggled in", "a\nid: 9\r\rretry: 1", "id: 7\ndata: a\ndata: id: 9\ndata: \ndata: retry: 1\n\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			frame := string(Event{ID: 7, Data: []byte(test.data)}.appendTo(nil))
			if frame != test.frame {
				t.Errorf("frame of %q is %q, want %q", test.data, frame, test.frame)
			}
		})
	}
}

func TestNameOnTheWire(t *testing.T) {
	for _, test := range []struct{ name, frame string }{
		{"", "id: 7\ndata: a\n\n"},
		{"alert", "id: 7\nevent: alert\ndata: a\n\n"},
		{" alert: 1", "id: 7\nevent:  alert: 1\ndata: a\n\n"},
		{"Preis €", "id: 7\nevent: Preis €\ndata: a\n\n"},
		{"alert\ndata: b", "id: 7\nevent: alert\ufffddata: b\ndata: a\n\n"},
		{"alert\rid: 9", "id: 7\nevent: alert\ufffdid: 9\ndata: a\n\n"},
		{"\r\nid: 9", "id: 7\nevent: \ufffd\ufffdid: 9\ndata: a\n\n"},
		{"caf\xe9\x00", "id: 7\nevent: caf\ufffd\ufffd\ndata: a\n\n"},
	} {
		if frame := string(Event{ID: 7, Name: test.name, Data: []byte("a")}.appendTo(nil)); frame != test.frame {
			t.Errorf("an event named %q is %q, want %q", test.name, frame, test.frame)
		}
	}
}

func TestEventIsEncodedIntoSpaceThatGrowsOnce(t *testing.T) {
	for _, e := range []Event{
		{ID: -1 << 63, Name: "name", Data: bytes.Repeat([]byte("\n"), 1<<20)},
		{ID: 1<<63 - 1, Data: bytes.Repeat([]byte("\r\n"), 1<<20)},
	} {
		if allocations := testing.AllocsPerRun(3, func() { e.appendTo(nil) }); allocations > 2 { // With -race, growing takes two.
			t.Errorf("%v allocations", allocations)
		}
	}
}

func FuzzAnyPayloadSurvivesAStrictParse(f *testing.F) {
	for _, data := range []string{"", "a", "a\nb", "a\r\nb\r", "\n\n\nid: 5\n\n", " \x00\xff", "data: a"} {
		f.Add(int64(42), "name", []byte(data))
		f.Add(int64(42), data, []byte(data))
		f.Add(int64(42), data+"\xe9", []byte(data+"\xe2\x82\r\n\xac"))
	}
	f.Fuzz(func(t *testing.T, id int64, name string, data []byte) {
		frame := Event{ID: id, Name: name, Data: data}.appendTo([]byte("retry: 1\n"))
		if !utf8.Valid(frame) {
			t.Fatalf("not UTF-8: %q", frame)
		}
		r := newParser(bytes.NewReader(frame))
		got, err := r.Next()
		if err != nil {
			t.Fatalf("frame %q: %v", frame, err)
		}
		want := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.ToValidUTF8(string(data), "\ufffd"))
		wantName := text.Line(name)
		if got.ID != id || got.Name != wantName || got.Data != want {
			t.Errorf("parsed (%d, %q, %q) out of %q, want (%d, %q, %q)", got.ID, got.Name, got.Data, frame, id, wantName, want)
		}
		if got, err := r.Next(); err == nil {
			t.Errorf("a second event %v in %q", got, frame)
		}
	})
}
