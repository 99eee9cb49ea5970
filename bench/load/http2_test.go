package load

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// frames returns what a server sends.
func frames(write func(w *http2.Framer)) []byte {
	var b bytes.Buffer
	w := http2.NewFramer(&b, nil)
	w.AllowIllegalWrites = true
	write(w)
	return b.Bytes()
}

// headers are the parameters of a whole header with one field.
func headers(name, value string) http2.HeadersFrameParam {
	var block bytes.Buffer
	hpack.NewEncoder(&block).WriteField(hpack.HeaderField{Name: name, Value: value})
	return http2.HeadersFrameParam{StreamID: streamID, BlockFragment: block.Bytes(), EndHeaders: true}
}

func TestEveryEventIsReadHoweverItsFramesCome(t *testing.T) {
	answer := frames(func(w *http2.Framer) {
		w.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 250})
		w.WriteSettingsAck()
		w.WriteHeaders(headers(":status", "200"))
		w.WriteData(streamID, false, []byte("retry: 1000\nid: 7\nda"))
		w.WriteWindowUpdate(0, 100)
		w.WritePing(false, [8]byte{1, 2, 3})
		w.WriteData(streamID, false, nil)
		w.WriteData(streamID, false, []byte("ta: a\n\nid: 8\ndata: b\n\nid: 9"))
		w.WriteGoAway(streamID, http2.ErrCodeNo, nil)
		w.WriteData(streamID, true, []byte("\ndata: c\n\n"))
	})
	want := frames(func(w *http2.Framer) {
		w.WriteSettingsAck()
		w.WritePing(true, [8]byte{1, 2, 3})
	})
	for size := 1; size <= len(answer); size++ {
		p := &parser{frames: new(frameReader)}
		keys, err := feedPieces(p, answer, size)
		if err != io.EOF || !slices.Equal(keys, []int64{7, 8, 9}) {
			t.Fatalf("in pieces of %d: got %v, %v, want 7, 8, 9, EOF", size, keys, err)
		}
		if got := p.frames.answers.Bytes(); !bytes.Equal(got, want) {
			t.Fatalf("in pieces of %d: answered %x, want %x", size, got, want)
		}
	}
}

func TestFramesThatAreNoStreamAreErrors(t *testing.T) {
	for name, write := range map[string]func(w *http2.Framer){
		"a status":     func(w *http2.Framer) { w.WriteHeaders(headers(":status", "503")) },
		"no header":    func(w *http2.Framer) { w.WriteData(streamID, false, []byte("id: 7\n")) },
		"a reset":      func(w *http2.Framer) { w.WriteRSTStream(streamID, http2.ErrCodeInternal) },
		"a short ping": func(w *http2.Framer) { w.WriteRawFrame(http2.FramePing, 0, 0, []byte("x")) },
		"a header not to read": func(w *http2.Framer) {
			w.WriteRawFrame(http2.FrameHeaders, http2.FlagHeadersEndHeaders, streamID, []byte{0xff, 0xff})
		},
		"a frame too long": func(w *http2.Framer) { w.WriteRawFrame(http2.FrameSettings, 0, 0, make([]byte, maxFrame+1)) },
		"another stream": func(w *http2.Framer) {
			w.WriteHeaders(headers(":status", "200"))
			w.WriteData(streamID+2, false, []byte("id: 7\n"))
		},
		"padding": func(w *http2.Framer) {
			w.WriteHeaders(headers(":status", "200"))
			w.WriteDataPadded(streamID, false, []byte("id: 7\n"), []byte{0})
		},
		"a header in pieces": func(w *http2.Framer) {
			h := headers(":status", "200")
			h.EndHeaders = false
			w.WriteHeaders(h)
		},
	} {
		answer := frames(write)
		if _, err := feedPieces(&parser{frames: new(frameReader)}, answer, len(answer)); err == nil || err == io.EOF {
			t.Errorf("%s: got %v, want an error", name, err)
		}
	}
}

func FuzzFrames(f *testing.F) {
	f.Add(frames(func(w *http2.Framer) {
		w.WriteSettings()
		w.WriteHeaders(headers(":status", "200"))
		w.WritePing(false, [8]byte{})
		w.WriteData(streamID, false, []byte("id: 7\ndata: a\n\n"))
	}), 3)
	f.Fuzz(func(t *testing.T, answer []byte, size int) {
		if size < 1 || size > len(answer) || len(answer) > maxLine {
			return
		}
		whole, err := feedPieces(&parser{frames: new(frameReader)}, answer, len(answer))
		pieces, err2 := feedPieces(&parser{frames: new(frameReader)}, answer, size)
		if fmt.Sprint(err) != fmt.Sprint(err2) || !slices.Equal(whole, pieces) {
			t.Errorf("whole: %v, %v; in pieces of %d: %v, %v", whole, err, size, pieces, err2)
		}
	})
}
