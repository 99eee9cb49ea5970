package transport

import (
	"bytes"
	"fmt"
	"io"
	"net/http/httputil"
	"strings"
	"testing"
)

// A part that was made into a chunk is not made into one again for the next client, but any other part is.
func TestChunkIsMadeOnceForClientsThatGetTheSame(t *testing.T) {
	var f Frame
	part := bytes.Repeat([]byte("x"), 100)
	first := f.around(part)
	if allocations := testing.AllocsPerRun(10, func() { f.around(part) }); allocations > 0 {
		t.Errorf("%v allocations for the same part", allocations)
	}
	part[0] = 'y' // which nobody does: so it shows whether it was copied again
	if again := f.around(part); again[len("64\r\n")] != 'x' || &again[0] != &first[0] {
		t.Error("the chunk is made again")
	}
	for _, other := range [][]byte{part[:99], part[1:], bytes.Clone(part)} {
		if got, want := f.around(other), fmt.Sprintf("%x\r\n%s\r\n", len(other), other); string(got) != want {
			t.Errorf("the chunk of %q is %q", other, got)
		}
	}
}

func FuzzChunksSurviveAnyReader(f *testing.F) {
	f.Add([]byte("id: 1\ndata: \n\n"), 1)
	f.Add([]byte("0\r\n\r\n"), 3)
	f.Add(bytes.Repeat([]byte("\r\n"), 100), 16)
	f.Fuzz(func(t *testing.T, data []byte, size int) {
		if size < 1 {
			return
		}
		var wire []byte
		for rest := data; len(rest) > 0; {
			n := min(size, len(rest))
			wire = appendChunk(wire, rest[:n])
			rest = rest[n:]
		}
		wire = append(wire, lastChunk...)
		r := strings.NewReader(string(wire) + "after")
		got, err := io.ReadAll(httputil.NewChunkedReader(r))
		if !bytes.Equal(got, data) || err != nil {
			t.Errorf("%q is read as %q, %v", wire, got, err)
		}
	})
}
