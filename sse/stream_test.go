package sse

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.com/sse/internal/testkit"

	"github.com/kataras/iris/v12"
)

func TestHeadAndFirstLineComeBeforeAnyEvent(t *testing.T) {
	_, server := newServer(t)
	s := open(t, server.URL) // Returns with the header; no event is ever sent.
	if s.response.StatusCode != http.StatusOK {
		t.Errorf("status %s", s.response.Status)
	}
	for name, want := range map[string]string{
		"Content-Type":                "text/event-stream; charset=utf-8",
		"Cache-Control":               "no-cache, no-transform",
		"Access-Control-Allow-Origin": "*",
		"X-Accel-Buffering":           "no",
	} {
		if got := s.response.Header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if _, err := http.ParseTime(s.response.Header.Get("Date")); err != nil {
		t.Error(err)
	}
	line, err := s.Line()
	if err != nil || !strings.HasPrefix(line, "retry: ") {
		t.Errorf("first line %q, error %v", line, err)
	}
}

func TestStreamThatHasEndedAlreadyHasItsHead(t *testing.T) {
	b := NewBroker()
	defer shutdown(t, b)
	ours, theirs := net.Pipe()
	c := newClient(b, theirs)
	c.users.Add(1)
	c.outbox.close()
	go c.writeFirst([]byte("head"))
	ours.SetDeadline(time.Now().Add(testkit.Limit))
	if got, err := io.ReadAll(ours); string(got) != "head" || err != nil {
		t.Errorf("read %q, error %v", got, err)
	}
}

func TestHowMuchAClientHasMissedMakesNoDifference(t *testing.T) {
	for _, size := range []int{1, maxPart - 100, maxPart, 1 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			b, server := newServer(t)
			data := strings.Repeat("x", size)
			if err := b.Publish(t.Context(), Event{ID: 1, Data: []byte(data)}); err != nil {
				t.Fatal(err)
			}
			s := open(t, server.URL, "Last-Event-ID", "0")
			s.want(t, 1, data)
			send(t, b, 2)
			s.want(t, 2, "2")
		})
	}
}

func TestReconnectionTimesAreSpread(t *testing.T) {
	b, server := newServer(t)
	send(t, b, 1)
	seen := map[time.Duration]bool{}
	for range 20 {
		s := open(t, server.URL, "Last-Event-ID", "0")
		s.want(t, 1, "1")
		if ms := s.Retry.Milliseconds(); ms < minRetry || ms > maxRetry {
			t.Errorf("retry %d", ms)
		}
		seen[s.Retry] = true
	}
	if len(seen) < 10 {
		t.Errorf("20 clients, only these reconnection times: %v", seen)
	}
}

func TestEveryPayloadArrives(t *testing.T) {
	b, server := newServer(t)
	s := open(t, server.URL, "Last-Event-ID", "0")
	for _, data := range []string{"a", "", "a\nb\n\nc", "你好", strings.Repeat("x\n", 1<<20)} {
		b.Notifier <- Event{Data: []byte(data)}
		s.want(t, 0, data)
	}
}

func TestOtherMethods(t *testing.T) {
	b, server := newServer(t)
	for _, test := range []struct {
		method, name, value string
		status              int
	}{
		{"HEAD", "Content-Type", "text/event-stream; charset=utf-8", 200},
		{"POST", "Allow", "GET, HEAD, OPTIONS", 405},
		{"DELETE", "Allow", "GET, HEAD, OPTIONS", 405},
		{"OPTIONS", "Access-Control-Allow-Headers", corsHeaders, 204},
	} {
		request, _ := http.NewRequest(test.method, server.URL+"/events", strings.NewReader("body"))
		response, err := testkit.Client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if got := response.Header.Get(test.name); response.StatusCode != test.status || got != test.value {
			t.Errorf("%s: status %d, %s %q, want %d, %q", test.method, response.StatusCode, test.name, got, test.status, test.value)
		}
		if got := response.Header.Get("Access-Control-Allow-Origin"); got != "*" {
			t.Errorf("%s: Access-Control-Allow-Origin %q", test.method, got)
		}
	}
	if ever := b.Stats().ClientsTotal; ever != 0 {
		t.Errorf("%d clients registered", ever)
	}
}

func TestAppsOwnHeadersAreKept(t *testing.T) {
	b := NewBroker()
	app := iris.New()
	app.Get("/events", func(ctx iris.Context) {
		ctx.Header("Access-Control-Allow-Origin", "https://example.com")
		ctx.SetCookieKV("a", "b")
		ctx.Next()
	}, b.ServeHTTP)
	app.Build()
	server := httptest.NewServer(app)
	defer server.Close()
	defer shutdown(t, b)
	header := open(t, server.URL).response.Header
	if got := header.Values("Access-Control-Allow-Origin"); len(got) != 1 || got[0] != "https://example.com" {
		t.Errorf("Access-Control-Allow-Origin is %q", got)
	}
	if header.Get("Set-Cookie") == "" {
		t.Error("the app's cookie is lost")
	}
}
