package e2e

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
	"example.com/sse/sse"
)

// sendTo sends an event to a topic.
func (s *stage) sendTo(topic string, id int64, name, data string) {
	s.broker.Notifier <- sse.Event{ID: id, Topic: topic, Name: name, Data: []byte(data)}
}

// topicsShown returns what the page says of its topics, and its title.
func (p *page) topicsShown() (topics, title string) {
	p.t.Helper()
	return eval[string](p, `document.querySelector(".topics").hidden ? "" : document.querySelector(".topics").textContent`),
		eval[string](p, "document.title")
}

func TestEveryEngineShowsTheTopicsThatTheURLNames(t *testing.T) {
	inAllEngines(t, func(t *testing.T, open func(int) *page) {
		const html = "<b>news</b>"
		s, p := newStage(t), open(0)
		p.visit(s.url + "/?" + url.Values{"topic": {"mail/anna", html, "", "mail/anna"}, "event": {"alert"}}.Encode())
		s.waitForClients(1)
		topics, title := p.topicsShown()
		if want := "mail/anna, " + html + ", the default topic"; topics != want || title != want+" · SSE" {
			t.Errorf("the page names the topics %q, and its title is %q", topics, title)
		}
		if n := eval[int](p, `document.querySelectorAll(".topics *").length`); n > 0 {
			t.Errorf("the topics' names became %d elements", n)
		}
		s.sendTo("mail/anna", 1, "", "one")
		s.sendTo("mail/bert", 2, "", "for another")
		s.sendTo(html, 3, "alert", "three")
		s.sendTo("", 4, "", "four")
		s.sendTo("mail/anna", 5, "weather", "of another name")
		s.sendTo("mail/anna", 6, "", "six")
		p.waitForLastRow(6)
		want := []row{{"1", "", "one"}, {"3", "", "three"}, {"4", "", "four"}, {"6", "", "six"}}
		p.wantRows(want)

		// The browser itself resumes with the header, and the page with its URL.
		p.cutOff = true
		s.cutStreams()
		s.sendTo("mail/bert", 7, "", "for another")
		s.sendTo(html, 8, "", "eight")
		s.sendTo("", 9, "", "nine")
		p.waitForLastRow(9)
		p.hide()
		s.waitForClients(0)
		s.sendTo("mail/anna", 10, "alert", "ten")
		s.sendTo("mail/bert", 11, "", "for another")
		p.show()
		p.waitForLastRow(10)
		s.waitForClients(1)
		s.sendTo("", 12, "", "twelve")
		p.waitForLastRow(12)
		want = append(want, row{"8", "", "eight"}, row{"9", "", "nine"}, row{"10", "", "ten"}, row{"12", "", "twelve"})
		p.wantRows(want)
		if stats := s.broker.Stats(); stats.Resumes != 2 || stats.ResumesIncomplete != 0 {
			t.Errorf("want two complete resumes: %+v", stats)
		}

		// Without topics in its URL the page has the default one alone.
		p.visit(s.url + "/elsewhere")
		s.waitForClients(0)
		s.show(p, "/?event=alert")
		if topics, title := p.topicsShown(); topics != "" || title != "SSE" {
			t.Errorf("the page names the topics %q, and its title is %q", topics, title)
		}
		s.sendTo("mail/anna", 13, "", "thirteen")
		s.sendTo("", 14, "alert", "fourteen")
		p.waitForLastRow(14)
		if got, want := p.rows(), []row{{"14", "", "fourteen"}}; !slices.Equal(got, want) {
			t.Errorf("the rows are %v, want %v", got, want)
		}
	})
}

func TestEveryEngineOpensAStreamOfTopicsAgainThatHangs(t *testing.T) {
	inAllEngines(t, func(t *testing.T, open func(int) *page) {
		s := newStageOf(t, sse.New(sse.Options{Heartbeat: time.Second}))
		s.server.Config.SetKeepAlivesEnabled(false) // The browser would try each connection that it has kept.
		proxy := newRelay(t, strings.TrimPrefix(s.url, "http://"))
		p := open(0)
		p.cutOff = true
		p.visit("http://" + proxy.addr + "/?topic=news&topic=mail")
		s.waitForClients(1)
		s.sendTo("news", 1, "", "one")
		p.waitForLastRow(1)
		proxy.hang()
		proxy.pass()
		s.sendTo("mail", 2, "", "two")
		s.sendTo("sport", 3, "", "for another")
		s.sendTo("news", 4, "", "four")
		p.waitForLastRow(4)
		p.wantRows([]row{{"1", "", "one"}, {"2", "", "two"}, {"4", "", "four"}})
	})
}

// A browser tells a page that its stream was refused, but not why.
func TestEveryEngineSaysWhyTopicsAreRefused(t *testing.T) {
	inAllEngines(t, func(t *testing.T, open func(int) *page) {
		s := newStage(t)
		many := make(url.Values)
		for i := range 101 {
			many.Add("topic", fmt.Sprint("topic ", i))
		}
		for query, reason := range map[string]string{
			many.Encode():                       "101 topics are too many for a stream: at most 100",
			"topic=two%0Alines":                 "a topic is not one line of UTF-8 without control characters, of at most 256 bytes",
			"topic=" + strings.Repeat("x", 257): "a topic is not one line of UTF-8 without control characters, of at most 256 bytes",
		} {
			p := open(360)
			p.cutOff = true
			p.visit(s.url + "/?" + query)
			p.waitForHeader("Refused: " + reason)
			if !eval[bool](p, `(({top, bottom, right}) => top >= 0 && bottom <= document.querySelector(".bar").offsetHeight && right <= innerWidth)(
				header.getBoundingClientRect())`) {
				t.Errorf("a narrow screen does not show all of %q", reason)
			}
			// Whoever comes back to the page has it ask again.
			p.hide()
			p.waitForHeader("Paused while this tab is hidden")
			p.show()
			p.waitForHeader("Refused: " + reason)
		}
		if got := s.broker.Stats().ClientsTotal; got != 0 {
			t.Errorf("%d streams were opened", got)
		}
	})
}

// A server that is away is no refusal: it may be back.
func TestPageOpensAStreamOfTopicsAgainThatTheBrowserHasGivenUp(t *testing.T) {
	t.Parallel()
	s, tb := newStage(t), newWindow(t)
	tb.keepHeaders()
	s.show(tb.page, "/?topic=news")
	s.sendTo("news", 1, "", "one")
	tb.waitForLastRow(1)
	tb.cutOff = true
	s.refuse.Store(true)
	s.cutStreams()
	s.sendTo("news", 2, "", "two")
	s.waitForRefusals(3)
	s.refuse.Store(false)
	tb.waitForLastRow(2)
	tb.checkHeaders(waiting, live, lost, live)
	testkit.Eventually(t, func() error { // What asked why the stream was refused has left.
		if got := s.broker.Stats().Clients; got != 1 {
			return fmt.Errorf("%d streams are open", got)
		}
		return nil
	})
}
