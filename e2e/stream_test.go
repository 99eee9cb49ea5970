package e2e

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"
)

// headWithin is how long the answer's head may take.
const headWithin = 10 * time.Second

// A stream is an open event stream, checked by the strict parser.
type stream struct {
	resp *http.Response

	t        *testing.T
	messages chan message
	ended    chan struct{} // closed at the stream's end, behind its last message
	err      error         // what ended it, io.EOF where it ended well; read after ended
	cancel   func()
}

// subscribe opens the event stream at a URL, after an event's ID or, with "", live. It is
// closed at the test's end.
func subscribe(t *testing.T, url, lastID string) *stream {
	t.Helper()
	return subscribeWith(t, http.DefaultClient, url, lastID)
}

// subscribeWith is subscribe with an HTTP client of one's own, for certificates and protocols.
func subscribeWith(t *testing.T, client *http.Client, url, lastID string) *stream {
	t.Helper()
	resp, cancel, err := open(client, url, lastID)
	if err != nil {
		t.Fatal(err)
	}
	s := &stream{
		resp: resp,

		t:        t,
		messages: make(chan message, 1<<16), // so that a test that looks elsewhere is no slow client
		ended:    make(chan struct{}),
		cancel:   cancel,
	}
	t.Cleanup(s.close)
	go s.read()
	return s
}

// open asks for the event stream at a URL. cancel ends the request, and must be called.
func open(client *http.Client, url, lastID string) (resp *http.Response, cancel func(), err error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer time.AfterFunc(headWithin, cancel).Stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		cancel()
		return nil, nil, err
	}
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	resp, err = client.Do(req)
	if err != nil {
		cancel()
		return nil, nil, err
	}
	if got := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || got != "text/event-stream" {
		cancel()
		resp.Body.Close()
		return nil, nil, fmt.Errorf("GET %s: %s, Content-Type %q", url, resp.Status, got)
	}
	return resp, cancel, nil
}

func (s *stream) read() {
	defer s.resp.Body.Close()
	defer close(s.ended)
	defer close(s.messages)
	p := newParser(s.resp.Body)
	for {
		m, err := p.next()
		if err != nil {
			s.err = err
			return
		}
		s.messages <- m
	}
}

// next returns the next event's ID and data. It fails the test when none comes in time.
func (s *stream) next(timeout time.Duration) (id int64, data string) {
	s.t.Helper()
	select {
	case m, ok := <-s.messages:
		if !ok {
			s.t.Fatalf("the stream ended: %v", s.err)
		}
		return m.id, m.data
	case <-time.After(timeout):
		s.t.Fatalf("no event in %v", timeout)
	}
	return 0, ""
}

// end waits for the stream's end, passing over events, and returns what ended it: io.EOF
// where it ended well.
func (s *stream) end(timeout time.Duration) error {
	s.t.Helper()
	select {
	case <-s.ended:
	case <-time.After(timeout):
		s.t.Fatalf("the stream has not ended after %v", timeout)
	}
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
		id, _ := live.next(5 * time.Second)
		ids = append(ids, id)
	}
	for i, last := range ids[:9] {
		resumed := subscribe(t, s.url+"/events", fmt.Sprint(last))
		for _, want := range ids[i+1:] {
			if id, _ := resumed.next(5 * time.Second); id != want {
				t.Fatalf("after %d: got %d, want %d", last, id, want)
			}
		}
		resumed.close()
	}
}
