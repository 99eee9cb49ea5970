package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"example.com/sse/internal/testkit"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"
)

// frameworks are the pages in clients/pages: each shows the events' data as items of a list. What a framework
// needs from whoever uses it is in its page, and in docs/operating.md.
var frameworks = []string{"htmx2", "htmx4", "datastar"}

func TestFrameworksShowEachEventAtOnceAndResume(t *testing.T) {
	t.Parallel()
	needChromium(t, shell)
	need(t, "clients/node_modules", fromNPM)
	for _, origin := range []string{"same", "other"} {
		t.Run(origin+" origin", func(t *testing.T) {
			s := start(t, "-interval", never.String(), "-publish-token-file", tokenFile(t))
			pages := &pages{events: s.url + "/events"}
			other := httptest.NewServer(pages)
			defer other.Close()
			tabs := make(map[string]*tab)
			for _, framework := range frameworks {
				tb := newWindow(t)
				tb.cutOff, tb.provoked = true, "/pages/" // The frameworks tell the console, too, that a stream was lost.
				if origin == "other" {
					tb.visit(other.URL + "/pages/" + framework + ".html")
				} else {
					tb.serve(pages)
					tb.visit(s.url + "/pages/" + framework + ".html")
				}
				tabs[framework] = tb
			}
			s.waitForClients(int64(len(tabs)))
			var published []string
			publish := func(item string) {
				t.Helper()
				published = append(published, item)
				for name, data := range map[string]string{
					"":                         "<li>" + item + "</li>",
					"datastar-merge-fragments": "selector ul\nmergeMode append\nfragments <li>" + item + "</li>",
				} {
					s.wantPost(post{name: name, data: data}, http.StatusNoContent)
				}
			}
			waitUntilShown := func() {
				t.Helper()
				testkit.Eventually(t, func() error {
					for framework, tb := range tabs {
						shown := eval[[]string](tb, `Array.from(document.querySelectorAll("li"), item => item.textContent)`)
						if !slices.Equal(shown, published) {
							return fmt.Errorf("%s shows %q, want %q", framework, shown, published)
						}
					}
					return nil
				})
			}
			for _, item := range []string{"first", "größe ✓", "third"} {
				publish(item)
				waitUntilShown()
			}
			for _, end := range []func(){s.kill, s.stop} {
				end()
				s.restart()
				publish("before they are back")
				waitUntilShown()
				publish("after it")
				waitUntilShown()
			}
			if figures := s.stats(); figures.Resumes < int64(len(tabs)) {
				t.Errorf("not all of %d told their last event ID: %+v", len(tabs), figures)
			}
		})
	}
}

// pages serves what is below /pages/: the pages in clients/pages, and the files of their frameworks.
type pages struct{ events string } // the URL of the stream

func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/pages/")
	if page, err := os.ReadFile(filepath.Join("clients", "pages", name)); err == nil {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write([]byte(strings.ReplaceAll(string(page), "EVENTS", p.events)))
		return
	}
	w.Header().Set("Content-Type", "text/javascript")
	file := filepath.Join("clients", "node_modules", filepath.FromSlash(name))
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		// Datastar's modules name each other as bundlers have it.
		http.Redirect(w, r, r.URL.Path+"/index.js", http.StatusFound)
		return
	}
	script, err := os.ReadFile(file)
	if err != nil {
		script, err = os.ReadFile(file + ".js")
	}
	if err != nil {
		w.WriteHeader(http.StatusNotFound)
	}
	w.Write(script)
}

// serve has the tab get the pages from any origin, without a request that leaves the browser.
func (tb *tab) serve(p *pages) {
	tb.t.Helper()
	paused := chromedp.Events(tb.ctx, fetch.RequestPaused)
	go func() {
		for event, err := range paused {
			if err != nil {
				return // The tab was closed.
			}
			answer := httptest.NewRecorder()
			p.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, event.Request.URL, nil))
			fulfil := fetch.FulfillRequestParams{RequestID: event.RequestID, ResponseCode: int64(answer.Code), Body: answer.Body.Bytes()}
			for name := range answer.Header() {
				fulfil.ResponseHeaders = append(fulfil.ResponseHeaders, &fetch.HeaderEntry{Name: name, Value: answer.Header().Get(name)})
			}
			chromedp.Call(tb.ctx, fetch.FulfillRequest, fulfil)
		}
	}()
	_, err := chromedp.Call(tb.ctx, fetch.Enable, fetch.EnableParams{Patterns: []*fetch.RequestPattern{{URLPattern: "*/pages/*"}}})
	if err != nil {
		tb.t.Fatal(err)
	}
}
