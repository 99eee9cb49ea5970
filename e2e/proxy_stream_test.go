package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

// heartbeat is after how much silence the server writes to a client, and notices that it has left if
// nothing else tells.
const heartbeat = 15 * time.Second

// Whatever a proxy holds back would never come, since nothing follows it.
func TestProxiesPassTheStreamOn(t *testing.T) {
	t.Parallel()
	flags := []string{"-interval", never.String(), "-publish-token-file", tokenFile(t)}
	forEachProxy(t, flags, func(t *testing.T, s *server, fronts []front) {
		for _, f := range fronts {
			for _, path := range f.paths() {
				t.Run(f.name+" at "+path, func(t *testing.T) {
					checkHeaderThrough(t, s, f, path+"events")
					checkEventsThrough(t, s, f, path+"events")
					if page := testkit.Get(t, f.client(), f.url+path); !strings.Contains(string(page), "messagesTable") {
						t.Errorf("%s is not the page: %.200s", path, page)
					}
				})
			}
		}
		if f := fronts[1]; f.goesTo(t, "/demo") != f.url+"/demo/" {
			t.Errorf("/demo leads to %q, and the page would look for its stream elsewhere", f.goesTo(t, "/demo"))
		}
		checkManyStreams(t, s, fronts[2])
		checkRestartsBehind(t, s, fronts)
	})
}

// checkHeaderThrough checks that a stream's header and its first line come before any event, and as
// the server sends them.
func checkHeaderThrough(t *testing.T, s *server, f front, path string) {
	t.Helper()
	direct, first := s.openAsBrowsersDo(t, streaming, s.url+"/events")
	through, firstThrough := s.openAsBrowsersDo(t, f.client(), f.url+path)
	if through.ProtoMajor != f.major {
		t.Errorf("it speaks %s", through.Proto)
	}
	for _, name := range []string{f.proxy.drops, "Connection", "Date"} {
		direct.Header.Del(name)
	}
	for name, want := range direct.Header {
		if got := through.Header[name]; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := through.Header.Get("Content-Encoding"); got != "" {
		t.Errorf("it is compressed: %s", got)
	}
	for _, line := range []string{first, firstThrough} {
		if !strings.HasPrefix(line, "retry: ") {
			t.Errorf("the stream begins with %q", line)
		}
	}
}

// openAsBrowsersDo opens a stream of the server's, which may be compressed, and returns its response and its first
// line. It leaves the stream once that is registered.
func (s *server) openAsBrowsersDo(t *testing.T, client *http.Client, url string) (resp *http.Response, first string) {
	t.Helper()
	before := s.stats().ClientsTotal
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Accept-Encoding", "gzip, deflate, br, zstd")
	resp, cancel, err := openWith(client, req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	defer cancel()
	defer time.AfterFunc(testkit.Limit, cancel).Stop()
	if first, err = bufio.NewReader(resp.Body).ReadString('\n'); err != nil {
		t.Fatalf("%s: the first line: %q, %v", url, first, err)
	}
	testkit.Eventually(t, func() error {
		if s.stats().ClientsTotal == before {
			return errors.New("the stream is not registered")
		}
		return nil
	})
	return resp, first
}

// checkEventsThrough checks that what is published through a proxy comes through it, that a client
// resumes, and that the server hears of a client that leaves.
func checkEventsThrough(t *testing.T, s *server, f front, path string) {
	t.Helper()
	s.leaveAll(t)
	live := subscribeWith(t, f.client(), f.url+path, "")
	s.waitForClients(1)
	var ids []int64
	for i := range 3 {
		want := testkit.Event{Name: "été", Data: fmt.Sprint("event ", i, " through ", f.name)}
		if a := f.post(path, want.Name, want.Data); a.status != http.StatusNoContent || a.body != "" {
			t.Fatalf("publishing: %v", a)
		}
		got := testkit.Receive(t, live.events, "an event")
		if got.Name != want.Name || got.Data != want.Data {
			t.Fatalf("got %+v, want %+v; the stream ended: %v", got, want, live.err)
		}
		ids = append(ids, got.ID)
	}
	for _, resumed := range []*stream{
		subscribeWith(t, f.client(), f.url+path, fmt.Sprint(ids[0])),
		subscribeWith(t, f.client(), f.url+path+"?lastEventId="+fmt.Sprint(ids[0]), ""),
	} {
		for _, want := range ids[1:] {
			if id, _ := resumed.next(); id != want {
				t.Errorf("after %d: got %d, want %d", ids[0], id, want)
			}
		}
		resumed.close()
	}
	live.close()
	if !f.noticesAtOnce() {
		return // TestProxiesKeepAStreamOverSilence waits for it.
	}
	left := time.Now()
	s.waitForClients(0)
	if took := time.Since(left); took > heartbeat-time.Second {
		t.Errorf("the server heard after %v only that all have left", took)
	}
}

// checkManyStreams checks that one HTTP/2 connection carries the streams of many tabs.
func checkManyStreams(t *testing.T, s *server, f front) {
	t.Helper()
	if f.proxy.fewPerHTTP2 {
		return
	}
	s.leaveAll(t)
	client := f.client()
	streams := make([]*stream, 20)
	for i := range streams {
		streams[i] = subscribeWith(t, client, f.url+"/events", "")
	}
	s.waitForClients(int64(len(streams)))
	if a := f.post("/events", "", "to many"); a.status != http.StatusNoContent {
		t.Fatalf("publishing: %v", a)
	}
	for i, stream := range streams {
		if _, got := stream.next(); got != "to many" {
			t.Errorf("stream %d got %q", i, got)
		}
		stream.close()
	}
}

// leaveAll waits until the server knows of no client, and has it write to those that have left.
func (s *server) leaveAll(t *testing.T) {
	t.Helper()
	testkit.Eventually(t, func() error {
		n := s.stats().Clients
		if n == 0 {
			return nil
		}
		s.post(post{data: "Is anybody there?"})
		return fmt.Errorf("%d clients are registered", n)
	})
}

// checkRestartsBehind checks that clients of a proxy resume after the server's restart.
func checkRestartsBehind(t *testing.T, s *server, fronts []front) {
	t.Helper()
	s.leaveAll(t)
	var fs []*follower
	for _, f := range fronts {
		fs = append(fs, follow(t, f.client(), f.url+"/events"))
	}
	s.waitForClients(int64(len(fs)))
	for _, end := range []func(){s.kill, s.stop} {
		s.publish("", "before")
		before := retained(t, s)
		waitForID(t, fs, before[len(before)-1])
		end()
		time.Sleep(time.Second) // The proxy has nobody to ask.
		s.restart()
		s.waitForClients(int64(len(fs)))
		s.publish("", "after")
		events := retained(t, s)
		for _, f := range fs {
			f.forget(0, events[0])
		}
		checkWhole(t, fs, events)
		if n := s.stats().ResumesIncomplete; n < int64(len(fs)) {
			t.Errorf("only %d of %d last event IDs have come through", n, len(fs))
		}
	}
}

// goesTo returns where a page of the front redirects to.
func (f front) goesTo(t *testing.T, path string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := f.client().Transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	to, err := resp.Location()
	if err != nil {
		t.Fatalf("%s: %s, %v", path, resp.Status, err)
	}
	return to.String()
}
