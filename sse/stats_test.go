package sse

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
	"example.com/sse/sse/internal/transport"
)

// protocols are how a stream comes to its client: each way that a write, an end and a disconnect take.
var protocols = []struct {
	name      string
	newServer func(*testing.T) (*Broker, *httptest.Server)
}{
	{"HTTP/1.1", newServer},
	{"TLS", newTLSServer},
	{"HTTP/2", newHTTP2Server},
}

// clientOf returns a client of a server, with connections of its own.
func clientOf(server *httptest.Server) *http.Client {
	transport := server.Client().Transport.(*http.Transport).Clone()
	return testkit.StreamClient(transport)
}

func wantDisconnects(t *testing.T, b *Broker, want Disconnects) {
	t.Helper()
	testkit.Eventually(t, func() error {
		s := b.Stats()
		d := s.Disconnects
		if all := d.ClientLeft + d.Slow + d.NetworkSilent + d.StreamEnded + d.TooMuchInput; d != want || s.Clients+all != s.ClientsTotal {
			return fmt.Errorf("got %+v, want %+v, with %d of %d clients", d, want, s.Clients, s.ClientsTotal)
		}
		return nil
	})
}

func TestDisconnectsAreCountedByReason(t *testing.T) {
	for _, p := range protocols {
		t.Run(p.name, func(t *testing.T) {
			b, server := p.newServer(t)
			stays := openWith(t, clientOf(server), server.URL)
			leaves := openWith(t, clientOf(server), server.URL)
			leaves.response.Body.Close()
			wantDisconnects(t, b, Disconnects{ClientLeft: 1})

			sendTooMuch(t, p.name, server)
			wantDisconnects(t, b, Disconnects{ClientLeft: 1, TooMuchInput: 1})

			neverReads := openWith(t, clientOf(server), server.URL, "topic=much")
			for b.Stats().SlowClients == 0 {
				if err := b.Publish(t.Context(), Event{Topic: "much", Data: make([]byte, 64<<10)}); err != nil {
					t.Fatal(err)
				}
			}
			wantDisconnects(t, b, Disconnects{ClientLeft: 1, TooMuchInput: 1, Slow: 1})
			neverReads.response.Body.Close()

			shutdown(t, b)
			stays.wantEnd(t)
			wantDisconnects(t, b, Disconnects{ClientLeft: 1, TooMuchInput: 1, Slow: 1, StreamEnded: 1})
		})
	}
}

// sendTooMuch opens a stream, and sends more after the request than it may.
func sendTooMuch(t *testing.T, protocol string, server *httptest.Server) {
	t.Helper()
	var conn io.Writer
	switch protocol {
	case "HTTP/1.1":
		c := dial(t, server)
		io.WriteString(c, "GET /events HTTP/1.1\r\nHost: test\r\n\r\n")
		readResponse(t, c)
		conn = c
	case "TLS":
		conn, _ = dialTLS(t, server)
	case "HTTP/2":
		body, input := io.Pipe()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/events", body)
		if err != nil {
			t.Fatal(err)
		}
		response, err := clientOf(server).Do(request)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { response.Body.Close() })
		conn = input
	}
	// The server may end it before all is written.
	go io.WriteString(conn, strings.Repeat("x", transport.MaxInput+1))
}

// A countingReader counts what is read.
type countingReader struct {
	io.Reader
	n *atomic.Int64
}

func (r countingReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.n.Add(int64(n))
	return n, err
}

func TestWhatIsSentIsCounted(t *testing.T) {
	for _, p := range protocols {
		t.Run(p.name, func(t *testing.T) {
			b, server := p.newServer(t)
			var read atomic.Int64
			connect := func(query string) stream {
				s := openWith(t, clientOf(server), server.URL, query)
				s.Parser = newParser(countingReader{s.response.Body, &read})
				return s
			}
			one, both := connect("topic=a"), connect("topic=a&topic=b")
			large := bytes.Repeat([]byte("x"), 3*maxPart)
			var published int64
			for id, e := range []Event{{Topic: "a"}, {Topic: "b", Data: large}, {Topic: "c"}, {Topic: "a", Data: payload}} {
				e.ID = int64(id) + 1
				published += int64(len(e.appendTo(nil)))
				if err := b.Publish(t.Context(), e); err != nil {
					t.Fatal(err)
				}
			}
			one.want(t, 1, "")
			one.want(t, 4, string(payload))
			for _, id := range []int64{1, 2, 4} {
				if e, err := both.Next(); e.ID != id || err != nil {
					t.Fatalf("got event %d, %v; want %d", e.ID, err, id)
				}
			}
			replay := connect("topic=b&topic=c&lastEventId=1")
			replay.Next()
			replay.want(t, 3, "")
			shutdown(t, b)
			for _, s := range []stream{one, both, replay} {
				s.wantEnd(t)
			}
			got := b.Stats()
			if got.Events != 4 || got.EventBytes != published || got.EventsSent != 2+3+2 {
				t.Errorf("%d events of %d bytes, sent %d times; want 4 of %d, sent 7 times", got.Events, got.EventBytes, got.EventsSent, published)
			}
			if got.BytesSent != read.Load() {
				t.Errorf("%d bytes were sent, and %d were read", got.BytesSent, read.Load())
			}
			if got.Rounds.Count == 0 || got.Rounds.Sum <= 0 || got.Rounds.Sum > testkit.Limit {
				t.Errorf("the rounds are %+v", got.Rounds)
			}
		})
	}
}

// Clients that wait for their place get nothing until then.
func TestWhatHeldClientsDoNotGetIsNotCountedAsSent(t *testing.T) {
	b, server := newServer(t)
	b.Hold()
	live, resumes := open(t, server.URL), open(t, server.URL, "Last-Event-ID", "2")
	send(t, b, 1, 2, 3, 4)
	if sent := b.Stats().EventsSent; sent != 0 {
		t.Errorf("%d events count as sent to clients without a place", sent)
	}
	b.Release()
	send(t, b, 5)
	live.want(t, 5, "5")
	for id := int64(3); id <= 5; id++ {
		resumes.want(t, id, fmt.Sprint(id))
	}
	if sent := b.Stats().EventsSent; sent != 4 {
		t.Errorf("%d events count as sent, want 4", sent)
	}
}

func TestHistogramIsCumulative(t *testing.T) {
	var h histogram
	for _, d := range []time.Duration{0, bounds[0], bounds[0] + 1, time.Hour} {
		h.observe(d)
	}
	got := h.load()
	if got.Count != 4 || got.Sum != time.Hour+2*bounds[0]+1 {
		t.Errorf("%d durations, %v in all", got.Count, got.Sum)
	}
	for i, b := range got.Buckets {
		want := int64(3)
		if i == 0 {
			want = 2
		}
		if b != (Bucket{bounds[i], want}) {
			t.Errorf("bucket %d is %+v, want %d", i, b, want)
		}
	}
}
