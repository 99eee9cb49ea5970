package e2e

import (
	"mime"
	"net/http"
	"net/http/httptest"
	"path"
	"testing"
)

// What the page's header says where the page itself did not run.
const notStarted = "This page could not start. Load it again, or try a newer browser"

// TestPageWorksWhereTheBrowserLacksOrRefuses takes away whatever the page can do without: there are
// browsers, settings and extensions that do so, too.
func TestPageWorksWhereTheBrowserLacksOrRefuses(t *testing.T) {
	t.Parallel()
	refuse := `() => { throw new DOMException("refused", "SecurityError") }`
	for what, script := range map[string]string{
		"an entry for the navigation": `performance.getEntriesByType = () => []`,
		"any entries":                 `performance.getEntriesByType = undefined`,
		"to tell the entries":         `performance.getEntriesByType = ` + refuse,
		"storage":                     `Object.defineProperty(window, "sessionStorage", {value: null})`,
		"to give access to storage":   `Object.defineProperty(window, "sessionStorage", {get: ` + refuse + `})`,
		"to store anything":           `Storage.prototype.setItem = ` + refuse,
		"to read what is stored":      `Storage.prototype.getItem = Storage.prototype.removeItem = ` + refuse,
		"formats":                     `delete window.Intl`,
		"a format for the locale":     `Intl.DateTimeFormat = class { constructor() { throw new RangeError("refused") } }`,
		"CSS.supports":                `delete window.CSS`,
	} {
		t.Run(what, func(t *testing.T) {
			s, tb := newStage(t), newWindow(t)
			tb.beforeEachPage(script)
			s.show(tb.page, "")
			s.send(1, `{"timestamp":1700000000,"message":"one"}`)
			tb.waitForLastRow(1)
			if got := tb.header(); got != live {
				t.Errorf("the header says %q", got)
			}
			if got := eval[string](tb, `document.querySelector("td").dataset.local`); got == "" {
				t.Error("the row has no local time")
			}
			// Going away must not fail either.
			total := s.broker.Stats().ClientsTotal
			tb.travel(0)
			s.waitForClientsTotal(total + 1)
			s.send(2, "two")
			tb.waitForLastRow(2)
		})
	}
}

func TestPageSaysThatTheBrowserRefusesTheStream(t *testing.T) {
	t.Parallel()
	s, tb := newStage(t), newWindow(t)
	tb.beforeEachPage(`window.EventSource = class { constructor() { throw new DOMException("refused", "SecurityError") } }`)
	tb.visit(s.url)
	tb.waitForHeader(unsupported)
}

// A browser that does not know what page.js is written in, and one that can't load a part of it, must
// not leave the reader waiting.
func TestEveryEngineSaysThatThePageCouldNotStart(t *testing.T) {
	inAllEngines(t, func(t *testing.T, open func(int) *page) {
		through := proxyTo(t, newStage(t).url)
		for _, fault := range []struct{ path, content, provoked string }{
			{"/stream.js", "", ".js"}, // 502
			{"/page.js", "a syntax of the future", "SyntaxError"},
		} {
			p := open(0)
			p.provoked = fault.provoked
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.URL.Path != fault.path:
					through.ServeHTTP(w, r)
				case fault.content == "":
					w.WriteHeader(http.StatusBadGateway)
				default:
					w.Header().Set("Content-Type", "text/javascript")
					w.Write([]byte(fault.content))
				}
			}))
			t.Cleanup(server.Close)
			p.visit(server.URL)
			p.waitForHeader(notStarted)
		}
	})
}

// A proxy that takes the path off whatever follows it, as Traefik's StripPrefix does, serves the page
// also where the slash is missing, from which the page's files and its stream are to be found.
func TestEveryEngineAddsTheSlashThatThePagesPathLacks(t *testing.T) {
	inAllEngines(t, func(t *testing.T, open func(int) *page) {
		s := newStage(t)
		site := http.NewServeMux()
		site.Handle("/demo", http.StripPrefix("/demo", proxyTo(t, s.url)))
		site.Handle("/demo/", http.StripPrefix("/demo", proxyTo(t, s.url)))
		site.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { // what else the site has
			w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(r.URL.Path)))
		})
		server := httptest.NewServer(site)
		t.Cleanup(server.Close)
		p := open(0)
		p.visit(s.url + "/elsewhere")
		p.evaluate(`void setTimeout(() => location.href = "`+server.URL+`/demo?event=price#end")`, new(any))
		s.waitForClients(1)
		s.sendNamed(1, "price", "12")
		p.waitForLastRow(1)
		if got, want := eval[string](p, "location.href"), server.URL+"/demo/?event=price#end"; got != want {
			t.Errorf("the page is at %s, want %s", got, want)
		}
	})
}
