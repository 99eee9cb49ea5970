package load

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"example.com/sse/internal/testkit"
)

func TestMain(m *testing.M) { os.Exit(testkit.Main(m, nil)) }

var protocols = map[string]Protocol{"HTTP/1.1": HTTP, "HTTPS, HTTP/1.1": HTTPS, "HTTPS, HTTP/2": HTTPS2}

// serve returns a load without clients on a server that has the given handler.
func serve(t *testing.T, protocol Protocol, handler http.HandlerFunc) *Load {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	roots := x509.NewCertPool()
	if protocol == HTTP {
		server.Start()
	} else {
		server.EnableHTTP2 = true
		server.StartTLS()
		roots.AddCert(server.Certificate())
	}
	t.Cleanup(server.Close)
	return newLoad(t, server.Listener, protocol, roots)
}

func newLoad(t *testing.T, server net.Listener, protocol Protocol, roots *x509.CertPool) *Load {
	t.Helper()
	l, err := New(netip.MustParseAddrPort(server.Addr().String()), func(int, string) string { return "/" }, protocol, roots)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// until receives until done, and fails the test when that takes too long.
func until(t *testing.T, l *Load, what string, done func() bool) {
	t.Helper()
	if !l.Until(t.Context(), testkit.Limit, done) {
		t.Fatalf("not within %v: %s; %+v", testkit.Limit, what, l.Counts())
	}
}

// connected returns a load whose n clients have each received their stream in turn: a list
// of ids with spaces. "end" ends the stream. A client is sent the rest of its stream after a
// bar only once all have received what comes before their bars.
func connected(t *testing.T, protocol Protocol, streams ...string) *Load {
	t.Helper()
	var next atomic.Int64
	goOn := make(chan struct{})
	l := serve(t, protocol, func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		before, after, _ := strings.Cut(streams[next.Add(1)-1], "|")
		for i, part := range []string{before, after} {
			if i == 1 {
				select {
				case <-goOn:
				case <-r.Context().Done():
				}
			}
			for word := range strings.FieldsSeq(part) {
				if word == "end" {
					return
				}
				fmt.Fprintf(w, "id: %s\ndata: x\n\n", word)
				w.(http.Flusher).Flush()
			}
		}
		<-r.Context().Done()
	})
	var want Counts
	expect := func(part string) {
		ends := int64(strings.Count(part, "end"))
		want.Delivered += int64(len(strings.Fields(part))) - ends
		want.Dropped += ends
	}
	receive := func() {
		t.Helper()
		until(t, l, "the streams' events", func() bool {
			return l.Counts().Delivered >= want.Delivered && l.Counts().Dropped >= want.Dropped
		})
	}
	for _, stream := range streams {
		if err := l.Connect(t.Context(), 1, false); err != nil {
			t.Fatal(err)
		}
		// One after the other: the order in which clients receive events is part of the test.
		before, _, _ := strings.Cut(stream, "|")
		expect(before)
		receive()
	}
	close(goOn)
	for _, stream := range streams {
		_, after, _ := strings.Cut(stream, "|")
		expect(after)
	}
	receive()
	return l
}

func TestWhatOthersGotAndAClientDidNotIsMissed(t *testing.T) {
	for _, test := range []struct {
		name    string
		streams []string
		want    Counts
	}{
		{"all got all", []string{"1 2 3 4", "1 2 3 4"}, Counts{Delivered: 8}},
		{"whoever comes late has missed nothing", []string{"1 2 3 4", "3 4"}, Counts{Delivered: 6}},
		{"whoever is behind has missed nothing", []string{"1 2 3 4", "1 2"}, Counts{Delivered: 6}},
		{"a hole", []string{"1 2 3 4", "1 4"}, Counts{Delivered: 6, Missed: 2}},
		{"a hole of the client that is first", []string{"1 4", "1 2 3 4"}, Counts{Delivered: 6, Missed: 2}},
		{"a hole of whoever is first, and of another", []string{"1 4", "1 3 4", "1 2 3 4"}, Counts{Delivered: 9, Missed: 3}},
		{"an old event to a newcomer is no hole of those before", []string{"3 4", "1 2 3 4"}, Counts{Delivered: 6}},
		{"a double", []string{"1 2 2 3", "1 2 3"}, Counts{Delivered: 7, Doubled: 1}},
		{"out of order", []string{"1 2 3 4", "1 3 2 4"}, Counts{Delivered: 8, Missed: 1, Doubled: 1}},
		{"dropped", []string{"1 2 | 3", "1 2 | end"}, Counts{Delivered: 5, Dropped: 1}},
	} {
		for name, protocol := range protocols {
			t.Run(test.name+" over "+name, func(t *testing.T) {
				if got := connected(t, protocol, test.streams...).Counts(); got != test.want {
					t.Errorf("got %+v, want %+v", got, test.want)
				}
			})
		}
	}
}

func TestByAllAndBehindTellWhoStillWaits(t *testing.T) {
	l := connected(t, HTTP, "1 2 3", "1 2", "2")
	var byAll []bool
	for i := range 4 {
		byAll = append(byAll, l.ByAll(i))
	}
	if want := []bool{false, true, false, false}; !slices.Equal(byAll, want) {
		t.Errorf("by all: got %v, want %v", byAll, want)
	}
	if got := l.Behind(3); got != 2 {
		t.Errorf("behind: got %d, want 2", got)
	}
	if l.Open() != 3 || l.Served() != 3 || l.Events() != 3 {
		t.Errorf("got %d open, %d served, %d events, want 3 each", l.Open(), l.Served(), l.Events())
	}
}

func TestSpreadIsFromTheFirstReceiptToTheLast(t *testing.T) {
	l := new(Load)
	others := func(func(*position) bool) {}
	var first, second position
	for _, received := range []struct {
		by      *position
		key, at int64
	}{{&first, 1, 10}, {&second, 1, 40}, {&first, 2, 100}, {&second, 2, 110}, {&first, 3, 200}, {&second, 3, 220}} {
		l.log.receive(received.by, received.key, received.at, others)
	}
	if median, worst := l.Spread(0, 3); median != 20 || worst != 30 {
		t.Errorf("got %v, %v, want 20 ns, 30 ns", median, worst)
	}
	if got := l.Received(1, 3); got != 4 {
		t.Errorf("%d were received of two events by two clients", got)
	}
}

func TestAStreamOfManyMegabytesIsReadToItsEnd(t *testing.T) {
	for name, protocol := range protocols {
		t.Run(name, func(t *testing.T) {
			const events, size = 2500, 10_000 // more than a connection's window of HTTP/2 has room for
			payload := strings.Repeat("x", size)
			l := serve(t, protocol, func(w http.ResponseWriter, _ *http.Request) {
				for id := range events {
					fmt.Fprintf(w, "id: %d\ndata: %s\n\n", id+1, payload)
				}
			})
			if err := l.Connect(t.Context(), 1, false); err != nil {
				t.Fatal(err)
			}
			until(t, l, "the end", func() bool { return l.Counts().Dropped == 1 })
			if got, want := l.Counts(), (Counts{Delivered: events, Dropped: 1}); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}
