package store

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.com/sse/internal/testkit"
	"example.com/sse/sse"
)

// inMemory returns the data of the events that a broker has in memory of topics, after an ID, up to one that is "last", which
// must be among them.
func inMemory(t *testing.T, broker *sse.Broker, after int64, topics ...string) (got []string) {
	t.Helper()
	broker.SetArchive(nil)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		broker.Serve(w, r, sse.Stream{Topics: topics})
	}))
	defer server.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Last-Event-ID", fmt.Sprint(after))
	response, err := testkit.Client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	events := testkit.NewParser(response.Body)
	for {
		e, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		if e.Name == "" {
			got = append(got, e.Data)
		}
		if e.Data == "last" {
			return got
		}
	}
}

// A broker gets the newest events, as many as it retains, and of quiet topics the last ones.
func TestBrokerIsFilledWithTheNewestEvents(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openStore(t, dir, 0)
	s.db.NoSync = true
	for i := range keepEvents + 5 {
		publish(t, s, "quiet/a", fmt.Sprint("a", i))
		publish(t, s, "quiet/b", fmt.Sprint("b", i))
	}
	publish(t, s, "large", strings.Repeat("large", partLen))
	data := strings.Repeat("x", 900)
	fill(t, s, func(i int) sse.Event { return sse.Event{Topic: "busy", Data: fmt.Append(nil, i, data)} }, 10<<20)
	publish(t, s, "quiet/b", "b15")
	publish(t, s, "end", "last")
	born, last := s.state.born, s.state.last
	s.Close()

	const history = 1 << 20
	broker := newBroker(t, history)
	s, err := Open(broker, Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Wait(); err != nil || !s.Ready() {
		t.Fatal(err)
	}
	if got, want := strings.Join(inMemory(t, broker, born, "quiet/a", "quiet/b", "end"), " "),
		"a5 a6 b6 a7 b7 a8 b8 a9 b9 a10 b10 a11 b11 a12 b12 a13 b13 a14 b14 b15 last"; got != want {
		t.Errorf("the quiet topics have %s, want %s", got, want)
	}
	if got := inMemory(t, broker, born, "large", "end"); len(got) != 2 || len(got[0]) != 5*partLen {
		t.Errorf("the large event is not there, or another: %d", len(got))
	}
	busy := inMemory(t, broker, born, "busy", "end")
	if n := len(busy); n < history/2/1000 || n > history/1000 {
		t.Errorf("%d events of the busy topic are there", n)
	}
	if got := broker.Stats(); got.ResumesIncomplete != 3 {
		t.Errorf("%d clients know that there may have been more", got.ResumesIncomplete)
	}
	// Who lacks only what is there has all.
	ctx := t.Context()
	if err := s.Publish(ctx, sse.Event{Topic: "end", Data: []byte("last")}); err != nil {
		t.Fatal(err)
	}
	inMemory(t, broker, last, "quiet/a", "busy", "end")
	if got := broker.Stats(); got.ResumesIncomplete != 3 || got.Resumes != 4 {
		t.Errorf("%+v", got)
	}
}

// What a lower bound evicts of a file goes with the next events.
func TestLowerBoundIsKeptFromTheNextEventOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openStore(t, dir, 0)
	data := []byte(strings.Repeat("x", 50_000))
	fill(t, s, func(i int) sse.Event { return sse.Event{Topic: fmt.Sprint(i % 100), Data: data} }, 3*maxLowering)
	before := s.state.bytes
	s.Close()
	s = openStore(t, dir, 1000)
	publish(t, s, "", "x")
	if complete, _ := readAll(t, s, s.state.last-1, ""); !complete {
		t.Error("the newest event is missing")
	}
	for range before / maxLowering {
		publish(t, s, "", "x")
	}
	if s.Close(); s.state.bytes > 1000 {
		t.Errorf("%d bytes are left of %d", s.state.bytes, before)
	}
}
