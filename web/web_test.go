package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.com/sse/internal/testkit"
	"example.com/sse/web"

	"github.com/kataras/iris/v12"
)

func TestPageAndItsFilesHaveTheirHeaders(t *testing.T) {
	app := iris.New()
	app.UseRouter(func(ctx iris.Context) { // as middleware does for all answers
		for _, name := range []string{"X-Content-Type-Options", "Cache-Control", "Content-Type", "Content-Security-Policy"} {
			ctx.Header(name, "nosniff")
		}
		ctx.Next()
	})
	web.Register(app)
	if err := app.Build(); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(app)
	t.Cleanup(server.Close)
	for path, contentType := range map[string]string{
		"/":            "text/html; charset=utf-8",
		"/page.css":    "text/css; charset=utf-8",
		"/announce.js": "text/javascript; charset=utf-8",
		"/header.js":   "text/javascript; charset=utf-8",
		"/page.js":     "text/javascript; charset=utf-8",
		"/scroll.js":   "text/javascript; charset=utf-8",
		"/stream.js":   "text/javascript; charset=utf-8",
		"/support.js":  "text/javascript; charset=utf-8",
		"/table.js":    "text/javascript; charset=utf-8",
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			request, err := http.NewRequest(method, server.URL+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			response, err := testkit.Client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != http.StatusOK {
				t.Errorf("%s %s: %s", method, path, response.Status)
			}
			for name, want := range map[string]string{
				"Content-Type":           contentType,
				"X-Content-Type-Options": "nosniff",
				"Cache-Control":          "no-cache",
			} {
				if got := response.Header.Values(name); len(got) != 1 || got[0] != want {
					t.Errorf("%s %s: %s is %q, want %q alone", method, path, name, got, want)
				}
			}
			policy := strings.Join(response.Header.Values("Content-Security-Policy"), " and ")
			if !strings.HasPrefix(policy, "default-src") || !strings.Contains(policy, "frame-ancestors 'none'") || !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
				t.Errorf("%s %s: the policy is %q", method, path, policy)
			}
		}
	}
}
