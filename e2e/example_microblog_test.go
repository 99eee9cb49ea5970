package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"example.com/sse/internal/testkit"
)

// joinBlog loads the page of examples/microblog, and takes a name.
func joinBlog(t *testing.T, url, name string) *tab {
	t.Helper()
	tb := newUser(t)
	tb.provoked = "Failed to load resource" // before one has a name, and where the network is cut
	tb.visit(url)
	tb.waitForState("Who are you?")
	tb.submit("login", map[string]string{"name": name})
	tb.waitForState(name + ", followed by 0")
	return tb
}

// follow follows another user of examples/microblog, or no more.
func (tb *tab) follow(name string, on bool) {
	tb.t.Helper()
	box := fmt.Sprintf(`document.querySelector('#people [name="%s"]')`, name)
	tb.waitFor(box+"?.checked", !on)
	tb.evaluate("void "+box+".click()", new(any))
}

// post posts something, and waits until the author's own page shows it.
func (tb *tab) post(text string) {
	tb.t.Helper()
	tb.submit("write", map[string]string{"text": text})
	tb.waitFor(`document.querySelector("#posts li")?.lastChild.textContent`, text)
}

// joinBlogAs takes a name without a page, and returns the session's cookie.
func joinBlogAs(s *server, name string) (cookie string) {
	s.t.Helper()
	resp := s.do("POST", "/login", "", "name="+name)
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || len(resp.Cookies()) != 1 {
		s.t.Fatalf("%s: %s", name, resp.Status)
	}
	return "session=" + resp.Cookies()[0].Value
}

func (s *server) mustDo(path, cookie, form string) {
	s.t.Helper()
	resp := s.do("POST", path, cookie, form)
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		s.t.Fatalf("POST %s %s: %s", path, form, resp.Status)
	}
}

// nextPost returns the next post of a stream of examples/microblog.
func nextPost(t *testing.T, p *testkit.Parser) (id int64, text string) {
	t.Helper()
	for {
		e, err := p.Next()
		if err != nil {
			t.Fatal(err)
		}
		var post struct {
			ID   int64
			Text string
		}
		if e.Name != "post" {
			continue
		}
		if err := json.Unmarshal([]byte(e.Data), &post); err != nil || post.ID != e.ID {
			t.Fatalf("%+v, %v", e, err)
		}
		return post.ID, post.Text
	}
}

func TestMicroblogExampleReachesAllFollowersAtOnceAndEachOnce(t *testing.T) {
	t.Parallel()
	s := startExample(t, "microblog", "-authors", "0")
	anna, bert, carl := joinBlog(t, s.url, "anna"), joinBlog(t, s.url, "bert"), joinBlog(t, s.url, "carl")
	var crowd []*testkit.Parser
	for i := range 100 {
		cookie := joinBlogAs(s, fmt.Sprint("reader-", i))
		s.mustDo("/follow", cookie, "name=carl&on=true")
		crowd = append(crowd, testkit.NewParser(s.do("GET", "/events?lastEventId=0", cookie, "").Body))
	}
	anna.travel(0) // She has come before the others.
	anna.follow("carl", true)
	bert.travel(0)
	bert.follow("carl", true)
	carl.waitForState("carl, followed by 102")

	const html = "<b>one</b>"
	posts := texts("#posts li")
	carl.post(html)
	anna.waitFor(posts, "[carl"+html+"]")
	bert.waitFor(posts, "[carl"+html+"]")
	bert.post("two") // nobody follows him
	carl.post("three")
	anna.waitFor(posts, "[carlthree carl"+html+"]")
	bert.waitFor(posts, "[carlthree berttwo carl"+html+"]")

	anna.follow("carl", false)
	anna.waitFor(posts, "[]")
	carl.waitForState("carl, followed by 101")
	carl.post("four")
	anna.post("five")
	bert.waitFor(posts, "[carlfour carlthree berttwo carl"+html+"]")
	anna.waitFor(posts, "[annafive]")
	carl.post("six")
	for i, reader := range crowd {
		for _, want := range []string{html, "three", "four", "six"} {
			if _, text := nextPost(t, reader); text != want {
				t.Fatalf("reader %d got %q, want %q", i, text, want)
			}
		}
	}
}

func TestMicroblogExampleFollowsAThousandAuthors(t *testing.T) {
	t.Parallel()
	s := startExample(t, "microblog", "-authors", "1000", "-pause", "5ms")
	cookie := joinBlogAs(s, "anna")
	s.mustDo("/follow", cookie, "name=*&on=true")
	events := testkit.NewParser(s.do("GET", "/events?topic=user/bert", cookie, "").Body)
	seen := make(map[int64]string)
	var last int64
	for range 1000 {
		id, text := nextPost(t, events)
		seen[id], last = text, id
	}
	if resp := s.do("GET", "/events", "session=none", ""); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("without a session: %s", resp.Status)
	}
	var home struct {
		Posts []struct {
			ID           int64
			Author, Text string
		}
	}
	if err := json.NewDecoder(s.do("GET", "/home", cookie, "").Body).Decode(&home); err != nil || len(home.Posts) != 100 {
		t.Fatal(err, home)
	}
	newest := home.Posts[0].ID
	for last < newest {
		id, text := nextPost(t, events)
		seen[id], last = text, id
	}
	for _, post := range home.Posts {
		if seen[post.ID] != post.Text || !strings.HasPrefix(post.Author, "author-") {
			t.Errorf("the stream has %q for %+v", seen[post.ID], post)
		}
	}
	// They post one after the other, so none is missing if their numbers have no gap.
	var numbers []int
	for _, text := range seen {
		var n int
		fmt.Sscanf(text, "Post %d", &n)
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	if got := numbers[len(numbers)-1] - numbers[0] + 1; got != len(numbers) {
		t.Errorf("of %d posts there are %d on the stream", got, len(numbers))
	}
}

func TestMicroblogExampleGoesOnForWhoComesBack(t *testing.T) {
	t.Parallel()
	s := startExample(t, "microblog", "-authors", "0", "-history", "1")
	proxy := newRelay(t, s.addr)
	carl, anna := joinBlog(t, s.url, "carl"), joinBlog(t, "http://"+proxy.addr, "anna")
	anna.follow("carl", true)
	carl.waitForState("carl, followed by 1")
	carl.post("one")
	posts := texts("#posts li")
	anna.waitFor(posts, "[carlone]")

	// A page that was asleep: for a moment, and for longer than anything is retained.
	proxy.cut()
	carl.post("two")
	proxy.pass()
	anna.waitFor(posts, "[carltwo carlone]")
	proxy.cut()
	want := "carltwo carlone"
	for i := range 20 {
		carl.post(fmt.Sprint("more ", i))
		want = fmt.Sprint("carlmore ", i, " ", want)
	}
	proxy.pass()
	anna.waitFor(posts, "["+want+"]")

	// A page that was closed: what is new is marked.
	anna.visit("about:blank")
	carl.post("last")
	anna.visit("http://" + proxy.addr)
	anna.waitFor(posts, "[carllast "+want+"]")
	anna.waitFor(texts("#posts .unseen"), "[carllast]")
}
