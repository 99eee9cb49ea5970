package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

// askTokens begins a run of examples/tokens, and returns its path.
func askTokens(t *testing.T, s *server, question string) (path string) {
	t.Helper()
	resp := s.do("POST", "/runs", "", "question="+url.QueryEscape(question))
	defer resp.Body.Close()
	var run struct{ Run string }
	if err := json.NewDecoder(resp.Body).Decode(&run); err != nil || resp.StatusCode != http.StatusCreated || len(run.Run) < 26 {
		t.Fatalf("asking: %s, %v, %+v", resp.Status, err, run)
	}
	return "/runs/" + run.Run
}

// A soFar is what a run has said when one asks.
type soFar struct {
	Text  string
	Last  int64
	Ended bool
}

// tokensSoFar asks what a run has said, which ends by itself within testkit.Limit.
func tokensSoFar(s *server, path string) (run soFar, err error) {
	resp, err := testkit.Client.Get(s.url + path)
	if err != nil {
		return run, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return run, errors.New(resp.Status)
	}
	return run, json.NewDecoder(resp.Body).Decode(&run)
}

// readAnswer reads words up to the event that ends an answer, and the stream's end.
func readAnswer(body io.Reader) (text string, lastID int64, err error) {
	p := testkit.NewParser(body)
	for {
		e, err := p.Next()
		if err != nil {
			return text, e.ID, fmt.Errorf("after %q: %w", text, err)
		}
		if e.Name == "end" {
			if _, err := p.Next(); err != io.EOF {
				return text, e.ID, fmt.Errorf("after the end: %w", err)
			}
			return text, e.ID, nil
		}
		var word string
		if err := json.Unmarshal([]byte(e.Data), &word); err != nil || e.Name != "" {
			return text, e.ID, fmt.Errorf("%+v: %w", e, err)
		}
		text += word
	}
}

func TestTokensExampleGoesOnWhereTheAnswerIs(t *testing.T) {
	t.Parallel()
	s := startExample(t, "tokens", "-pause", "250ms")
	proxy := newRelay(t, s.addr)
	tb := newUser(t)
	tb.provoked = "ERR_"
	tb.visit("http://" + proxy.addr)
	tb.submit("ask", map[string]string{"question": "<b>Why?</b>"})
	waitForWords := func(p *page, n int) {
		t.Helper()
		p.waitFor(fmt.Sprintf(`answer.textContent.split(" ").length >= %d`, n), true)
	}
	waitForWords(tb.page, 6)
	tb.travel(0)
	waitForWords(tb.page, 9)
	proxy.cut()
	proxy.pass()
	waitForWords(tb.page, 12)
	address := eval[string](tb, "location.href")
	other := newUser(t) // comes late
	other.visit(address)
	for _, p := range []*page{tb.page, other.page} {
		p.waitForState("Ended")
		_, id, _ := strings.Cut(address, "#")
		run, err := tokensSoFar(s, "/runs/"+id)
		if err != nil || !run.Ended {
			t.Fatal(err, run)
		}
		if got := eval[string](p, "answer.textContent"); got != run.Text || !strings.HasPrefix(got, "You asked: “<b>Why?</b>”\n\n") {
			t.Errorf("the page shows\n%q, want\n%q", got, run.Text)
		}
	}
	streams := strings.Count(s.output(), "Client added")
	time.Sleep(4 * time.Second) // A browser that took the end for a lost connection would have come again.
	if more := strings.Count(s.output(), "Client added") - streams; more > 0 {
		t.Errorf("%d streams were opened after the end", more)
	}
	if n := eval[int](other, `performance.getEntriesByType("resource").filter(entry => /runs\/\w+$/.test(entry.name)).length`); n != 1 {
		t.Errorf("the page has asked %d times what was said", n)
	}
	tb.travel(0)
	tb.waitForState("Ended")
}

func TestTokensExampleEndsWithAnEventAndForGood(t *testing.T) {
	t.Parallel()
	s := startExample(t, "tokens", "-pause", "10ms", "-keep", "5s")
	run := askTokens(t, s, "Why?")
	text, last, err := readAnswer(s.do("GET", run+"/events?lastEventId=0", "", "").Body)
	if err != nil || !strings.Contains(text, "You asked: “Why?”\n\n") || !strings.HasSuffix(text, "一个词也不会丢。") {
		t.Errorf("%q, %v", text, err)
	}
	// Who comes again after the end is sent away, and who has not got it gets what is missing.
	if resp := s.do("GET", run+fmt.Sprint("/events?lastEventId=", last), "", ""); resp.StatusCode != http.StatusNoContent {
		t.Errorf("after the end: %s", resp.Status)
	}
	if text, _, err := readAnswer(s.do("GET", run+fmt.Sprint("/events?lastEventId=", last-1), "", "").Body); text != "" || err != nil {
		t.Errorf("before the end: %q, %v", text, err)
	}
	for _, path := range []string{"/runs/none", "/runs/none/events", run + "/events?topic=other"} {
		want := http.StatusNotFound
		if strings.HasPrefix(path, run) {
			want = http.StatusOK
		}
		if resp := s.do("GET", path, "", ""); resp.StatusCode != want {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
	testkit.Eventually(t, func() error {
		if resp := s.do("GET", run, "", ""); resp.StatusCode != http.StatusNotFound {
			return fmt.Errorf("it is kept: %s", resp.Status)
		}
		return nil
	})
	for _, question := range []string{"", strings.Repeat("x", 501)} {
		if resp := s.do("POST", "/runs", "", "question="+question); resp.StatusCode != http.StatusBadRequest {
			t.Errorf("a question of %d bytes: %s", len(question), resp.Status)
		}
	}
}

func TestTokensExampleHasThousandsOfRunsAtOnce(t *testing.T) {
	t.Parallel()
	const runs = 2000
	s := startExample(t, "tokens", "-pause", "200ms")
	var all sync.WaitGroup
	opening := make(chan struct{}, 20) // More at once would have to wait for a busy machine, for longer than the server waits for a request.
	for i := range runs {
		path := askTokens(t, s, fmt.Sprintf("[%d]", i))
		all.Go(func() {
			opening <- struct{}{}
			run, err := tokensSoFar(s, path)
			var stream *http.Response
			var leave func()
			if err == nil && !run.Ended {
				stream, leave, err = open(streaming, s.url+path+"/events", fmt.Sprint(run.Last))
			}
			<-opening
			if stream != nil {
				defer leave()
				defer stream.Body.Close()
				var rest string
				rest, _, err = readAnswer(stream.Body)
				run.Text += rest
			}
			if err != nil || !strings.HasPrefix(run.Text, fmt.Sprintf("You asked: “[%d]”\n\nA server ", i)) || !strings.HasSuffix(run.Text, "一个词也不会丢。") {
				t.Errorf("run %d: %q, %v", i, run.Text, err)
			}
		})
	}
	testkit.Return(t, all.Wait, "all answers end")
}
