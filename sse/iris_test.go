package sse

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.com/sse/internal/testkit"

	"github.com/kataras/iris/v12"
)

// What an app's middleware does to its answers does no harm to a refusal.
func TestRefusalPassesThroughAnAppsMiddleware(t *testing.T) {
	for name, middleware := range map[string]iris.Handler{
		"compression": iris.Compression,
		"recorder":    func(ctx iris.Context) { ctx.Record(); ctx.Next() },
	} {
		app := iris.New()
		app.Use(middleware)
		app.Post("/events", PublishHandler(Publisher{Publish: func(context.Context, Event) error { return nil }, Token: "swordfish"}))
		if err := app.Build(); err != nil {
			t.Fatal(err)
		}
		for _, http2 := range []bool{false, true} {
			server := httptest.NewUnstartedServer(app)
			server.EnableHTTP2 = http2
			server.StartTLS()
			defer server.Close()
			for _, token := range []string{"wrong", "swordfish"} {
				body, more := io.Pipe()
				request, err := http.NewRequest("POST", server.URL+"/events", body)
				if err != nil {
					t.Fatal(err)
				}
				request.Header.Set("Authorization", "Bearer "+token)
				go func() {
					io.WriteString(more, strings.Repeat("x", 10_000))
					more.Close()
				}()
				client := server.Client()
				client.Timeout = testkit.Limit
				response, err := client.Do(request)
				if err != nil {
					t.Fatalf("%s, %s: %v", name, token, err)
				}
				line, err := io.ReadAll(bufio.NewReader(response.Body))
				response.Body.Close()
				if want := map[string]int{"wrong": 401, "swordfish": 204}[token]; err != nil || response.StatusCode != want || want == 401 && string(line) != "the token is missing or wrong\n" {
					t.Errorf("%s, %s: %s %s, %q, %v", name, token, response.Proto, response.Status, line, err)
				}
			}
		}
	}
}
