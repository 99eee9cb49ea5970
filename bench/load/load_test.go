package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// connected returns a load whose n clients have each been sent their stream in turn: a list
// of ids with spaces. "end" ends the stream. A client sees the rest of its stream behind a
// bar only once all have connected.
func connected(t *testing.T, streams ...string) *Load {
	t.Helper()
	var next atomic.Int64
	goOn := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		before, after, _ := strings.Cut(streams[next.Add(1)-1], "|")
		for i, part := range []string{before, after} {
			if i == 1 {
				<-goOn
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
	}))
	t.Cleanup(server.Close)
	l, err := New(netip.MustParseAddrPort(server.Listener.Addr().String()), "/", HTTP, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	for range streams {
		if err := l.Connect(t.Context(), 1, false); err != nil {
			t.Fatal(err)
		}
		// One after the other: the order in which clients see events is part of the test.
		l.Until(t.Context(), 20*time.Millisecond, func() bool { return false })
	}
	close(goOn)
	l.Until(t.Context(), 100*time.Millisecond, func() bool { return false })
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
		t.Run(test.name, func(t *testing.T) {
			if got := connected(t, test.streams...).Counts(); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestByAllAndBehindTellWhoStillWaits(t *testing.T) {
	l := connected(t, "1 2 3", "1 2", "2")
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
	l := connected(t, "1 | 2", "| 1 2") // Both get 2 at once, but one of them 1 later.
	median, worst := l.Spread(0, 1)
	if median < 20*time.Millisecond || median != worst {
		t.Errorf("got %v, %v, want 20 ms or more", median, worst)
	}
}

func TestClientsComeBackWithTheirLastID(t *testing.T) {
	got := make(chan string, 4)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header.Get("Last-Event-ID")
		fmt.Fprint(w, "id: 41\ndata: x\n\nid: 42\ndata: x\n\nid: 43\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	defer server.Close()
	l, err := New(netip.MustParseAddrPort(server.Listener.Addr().String()), "/", HTTP, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Connect(t.Context(), 1, false); err != nil {
		t.Fatal(err)
	}
	l.Until(t.Context(), time.Second, func() bool { return l.Events() == 2 })
	l.Disconnect(1)
	if l.Open() != 0 {
		t.Errorf("%d clients are connected after Disconnect", l.Open())
	}
	if err := l.Reconnect(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	// An ID counts only with its event (section 9.2.6).
	if first, second := <-got, <-got; first != "" || second != "42" {
		t.Errorf("got %q, then %q, want none, then 42", first, second)
	}
}

func TestClientsWithoutAnAnswerAreTold(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") // which never answers
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	l, err := New(netip.MustParseAddrPort(listener.Addr().String()), "/", HTTP, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, within := range []time.Duration{0, 50 * time.Millisecond} {
		ctx, cancel := context.WithTimeout(t.Context(), within)
		if err := l.Connect(ctx, 3, false); !errors.Is(err, ErrNoAnswer) {
			t.Errorf("within %v: got %v, want ErrNoAnswer", within, err)
		}
		cancel()
	}
}
