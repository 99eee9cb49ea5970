package load

import (
	"bytes"
	"fmt"
	"io"
	"net/http/httputil"
	"slices"
	"strings"
	"testing"
)

const plainHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
const chunkedHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

// chunked returns the strings as a chunked body without its end.
func chunked(parts ...string) string {
	var b bytes.Buffer
	w := httputil.NewChunkedWriter(&b)
	for _, p := range parts {
		io.WriteString(w, p)
	}
	return b.String()
}

// feedPieces feeds an answer in pieces of at most size bytes.
func feedPieces(p *parser, answer []byte, size int) (keys []int64, err error) {
	for piece := range slices.Chunk(answer, size) {
		b := append(slices.Clone(p.rest), piece...)
		if err := p.feed(b, func(key int64) { keys = append(keys, key) }); err != nil {
			return keys, err
		}
	}
	return keys, nil
}

func TestEveryEventIsReadHoweverItComes(t *testing.T) {
	const t1, t2 = `data: {"timestamp":1700000000,"message":"x"}` + "\n\n", `data: {"timestamp":1700000001,"message":"x"}` + "\n\n"
	for _, test := range []struct {
		name, answer string
		want         []int64
	}{
		{"ids", plainHead + "retry: 1000\nid: 7\ndata: a\n\n:\nid: 9\ndata: b\n\nid: 10\ndata: ", []int64{7, 9}},
		{"carriage returns", plainHead + "id: 7\r\ndata: a\r\n\r\n", []int64{7}},
		{"several lines of data", plainHead + "id: 7\ndata: a\ndata: b\n\nid: 8\ndata: c\n\n", []int64{7, 8}},
		{"no data, no event", plainHead + "id: 7\n\n: hi\n\nid: 8\ndata: c\n\n", []int64{8}},
		{"chunks", chunkedHead + chunked("id: 7\ndata: a\n\n", "id: 8\n", "data: b", "\n\nid: 9\ndata: c\n\nid"), []int64{7, 8, 9}},
		{"nchan's ids", plainHead + ": hi\n\nid: 1700000000:2\ndata: a\n\nid: 1700000001:0\ndata: b\n\n", []int64{1700000000000002, 1700000001000000}},
		{"no ids", chunkedHead + chunked(t1, t1, t2), []int64{1700000000000000, 1700000000000001, 1700000001000000}},
	} {
		for size := 1; size <= len(test.answer); size++ {
			keys, err := feedPieces(new(parser), []byte(test.answer), size)
			if err != nil || !slices.Equal(keys, test.want) {
				t.Errorf("%s in pieces of %d: got %v, %v, want %v", test.name, size, keys, err, test.want)
				break
			}
		}
	}
}

func TestAnswersThatAreNoStreamAreErrors(t *testing.T) {
	for _, answer := range []string{
		"HTTP/1.1 503 Service Unavailable\r\n\r\n",
		"hello\r\n\r\n",
		chunkedHead + "x\r\n",
		plainHead + strings.Repeat("x", maxLine+1),
	} {
		if _, err := feedPieces(new(parser), []byte(answer), len(answer)); err == nil || err == io.EOF {
			t.Errorf("%.40q: got %v, want an error", answer, err)
		}
	}
}

func TestEventsBeforeTheEndOfTheStreamCount(t *testing.T) {
	answer := []byte(chunkedHead + chunked("id: 1\ndata: a\n\n") + "0\r\n\r\n")
	if keys, err := feedPieces(new(parser), answer, len(answer)); err != io.EOF || !slices.Equal(keys, []int64{1}) {
		t.Errorf("got %v, %v, want [1], EOF", keys, err)
	}
}

func TestTheLastIDIsKeptForTheNextConnection(t *testing.T) {
	p := new(parser)
	feedPieces(p, []byte(plainHead+"id: 17:3\ndata: a\n\nid"), 1000)
	p.reset()
	if string(p.lastID) != "17:3" || p.headerDone || len(p.rest) > 0 {
		t.Errorf("got %q, %+v", p.lastID, p)
	}
}

func FuzzParser(f *testing.F) {
	for i, seed := range []string{
		plainHead + "id: 7\ndata: a\n\n", chunkedHead + chunked("id: 7\ndata: a\n\n", "data: {\"timestamp\":3"), chunkedHead + "fffffffffffffff\r\n", "HTTP/1.1 200",
	} {
		f.Add([]byte(seed), i+1)
	}
	f.Fuzz(func(t *testing.T, answer []byte, size int) {
		if size < 1 || size > len(answer) || len(answer) > maxLine {
			return
		}
		whole, err := feedPieces(new(parser), answer, max(1, len(answer)))
		pieces, err2 := feedPieces(new(parser), answer, size)
		if fmt.Sprint(err) != fmt.Sprint(err2) || !slices.Equal(whole, pieces) {
			t.Errorf("whole: %v, %v; in pieces of %d: %v, %v", whole, err, size, pieces, err2)
		}
	})
}
