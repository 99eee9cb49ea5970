package e2e

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"example.com/sse/internal/testkit"

	"github.com/chromedp/chromedp"
)

// exampleBuilds are the functions that build a program of examples/ once, by its name.
var exampleBuilds sync.Map

// startExample starts a program of examples/ with flags, and waits until it answers.
func startExample(t *testing.T, name string, args ...string) *server {
	t.Helper()
	once, _ := exampleBuilds.LoadOrStore(name, sync.OnceValues(func() (file string, err error) {
		file = filepath.Join(filepath.Dir(binary), "example-"+name)
		return file, build(file, "..", "./examples/"+name, "CGO_ENABLED=0")
	}))
	file, err := once.(func() (string, error))()
	if err != nil {
		t.Fatal(err)
	}
	return startCommand(t, []string{file}, args...)
}

// another opens another tab of the same user.
func (tb *tab) another() *tab {
	tb.t.Helper()
	return openTabWith(tb.t, tb.ctx, chromedp.WithNewWindow(true))
}

// waitForState waits until the page of an example says that it is in a state.
func (p *page) waitForState(want string) {
	p.t.Helper()
	p.waitFor(`document.getElementById("state").textContent`, want)
}

// submit fills in a form of the page, by the names of its fields, and submits it.
func (p *page) submit(form string, fields map[string]string) {
	p.t.Helper()
	script := "void (() => { const form = document.getElementById(" + fmt.Sprintf("%q", form) + ");"
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		script += fmt.Sprintf("form.elements[%q].value = %q;", name, fields[name])
	}
	p.evaluate(script+"form.requestSubmit() })()", new(any))
}

// click clicks on an element of the page.
func (p *page) click(selector string) {
	p.t.Helper()
	p.evaluate(fmt.Sprintf("void document.querySelector(%q).click()", selector), new(any))
}

// texts returns the text of each element of the page that a selector finds.
func texts(selector string) string {
	return fmt.Sprintf(`Array.from(document.querySelectorAll(%q), element => element.textContent)`, selector)
}

// do sends a request with a cookie, "" for none, and a form, and returns the answer, whose body is closed at the test's end.
func (s *server) do(method, path, cookie, form string) *http.Response {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), testkit.Limit)
	s.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, method, s.url+path, strings.NewReader(form))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	resp, err := streaming.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { resp.Body.Close() })
	return resp
}
