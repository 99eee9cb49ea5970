package e2e

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

// A stream is an open event stream, checked by the strict parser.
type stream struct {
	resp *http.Response

	t      *testing.T
	events chan testkit.Event
	ended  chan struct{} // closed at the stream's end, after its last event
	err    error         // what ended it, io.EOF where it ended well; read after ended
	cancel func()
}

// streaming is an HTTP client for streams, which last: open limits how long it waits for a header.
var streaming = testkit.StreamClient(http.DefaultTransport.(*http.Transport).Clone())

// subscribe opens the event stream at a URL, after an event's ID or, with "", live. It is
// closed at the test's end.
func subscribe(t *testing.T, url, lastID string) *stream {
	t.Helper()
	return subscribeWith(t, streaming, url, lastID)
}

// subscribeWith is subscribe with an HTTP client of one's own, for certificates and protocols.
func subscribeWith(t *testing.T, client *http.Client, url, lastID string) *stream {
	t.Helper()
	resp, cancel, err := open(client, url, lastID)
	if err != nil {
		t.Fatal(err)
	}
	return newStream(t, resp, cancel)
}

// maxUnread is how many events a stream keeps for a test that looks elsewhere, so that it is no slow client: more than come
// meanwhile. Each stream has the memory for all of them from the start, and the race detector three times as much.
const maxUnread = 1 << 12

// newStream reads the stream of a response, which is closed at the test's end.
func newStream(t *testing.T, resp *http.Response, cancel func()) *stream {
	s := &stream{
		resp: resp,

		t:      t,
		events: make(chan testkit.Event, maxUnread),
		ended:  make(chan struct{}),
		cancel: cancel,
	}
	t.Cleanup(s.close)
	go s.read()
	return s
}

// open asks for the event stream at a URL, and waits for the response's header for testkit.Limit
// at most. cancel ends the request, and must be called.
func open(client *http.Client, url, lastID string) (resp *http.Response, cancel func(), err error) {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return nil, nil, err
	}
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	return openWith(client, req)
}

// openWith is open with a request of one's own.
func openWith(client *http.Client, req *http.Request) (resp *http.Response, cancel func(), err error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer time.AfterFunc(testkit.Limit, cancel).Stop()
	req = req.WithContext(ctx)
	resp, err = client.Do(req)
	if err != nil {
		cancel()
		return nil, nil, err
	}
	if got := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || got != "text/event-stream; charset=utf-8" {
		cancel()
		resp.Body.Close()
		return nil, nil, fmt.Errorf("GET %s: %s, Content-Type %q", req.URL, resp.Status, got)
	}
	return resp, cancel, nil
}

// parse opens an event stream as subscribe does, for a test that parses it itself and looks at more than events. It is
// closed by leave, or with the test, and after testkit.Limit.
func parse(t *testing.T, client *http.Client, url, lastID string) (p *testkit.Parser, leave func()) {
	t.Helper()
	resp, cancel, err := open(client, url, lastID)
	if err != nil {
		t.Fatal(err)
	}
	limit := time.AfterFunc(testkit.Limit, cancel)
	leave = func() {
		limit.Stop()
		cancel()
		resp.Body.Close()
	}
	t.Cleanup(leave)
	return testkit.NewParser(resp.Body), leave
}

func (s *stream) read() {
	defer s.resp.Body.Close()
	defer close(s.ended)
	defer close(s.events)
	p := testkit.NewParser(s.resp.Body)
	for {
		m, err := p.Next()
		if err != nil {
			s.err = err
			return
		}
		s.events <- m
	}
}

// next returns the next event's ID and data. It fails the test when none comes.
func (s *stream) next() (id int64, data string) {
	s.t.Helper()
	e := testkit.Receive(s.t, s.events, "an event")
	if e.ID == 0 {
		s.t.Fatalf("the stream ended: %v", s.err)
	}
	return e.ID, e.Data
}

// upTo passes over events, up to one with an ID or a later one, whose ID it returns.
func (s *stream) upTo(id int64) (got int64) {
	s.t.Helper()
	for got < id {
		got, _ = s.next()
	}
	return got
}

// wantData checks the data of the next events.
func (s *stream) wantData(want ...string) {
	s.t.Helper()
	for _, data := range want {
		if id, got := s.next(); got != data {
			s.t.Fatalf("event %d is %.100q, want %.100q", id, got, data)
		}
	}
}

// end waits for the stream's end, passing over events, and returns what ended it: io.EOF
// where it ended well.
func (s *stream) end() error {
	s.t.Helper()
	testkit.Receive(s.t, s.ended, "the stream ends")
	return s.err
}

// close leaves the stream.
func (s *stream) close() {
	s.cancel()
	<-s.ended
}

func TestStreamResumesExactlyAfterTheLastID(t *testing.T) {
	t.Parallel()
	s := start(t, "-interval", "50ms")
	live := subscribe(t, s.url+"/events", "")
	var ids []int64
	for range 10 {
		id, _ := live.next()
		ids = append(ids, id)
	}
	for i, last := range ids[:9] {
		resumed := subscribe(t, s.url+"/events", fmt.Sprint(last))
		for _, want := range ids[i+1:] {
			if id, _ := resumed.next(); id != want {
				t.Fatalf("after %d: got %d, want %d", last, id, want)
			}
		}
		resumed.close()
	}
}
