package e2e

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"

	"example.com/sse/internal/testkit"

	r3labs "github.com/r3labs/sse/v2"
	tmaxmax "github.com/tmaxmax/go-sse"
)

// bufferedClients are clients in Go with a buffer of 64 KiB. Each connects once, and hands over the data of events
// until its stream or its context ends.
var bufferedClients = map[string]func(ctx context.Context, url string, got func(data string)) error{
	"r3labs/sse": func(ctx context.Context, url string, got func(string)) error {
		client := r3labs.NewClient(url)
		client.ReconnectStrategy = until{ctx}
		return client.SubscribeRawWithContext(ctx, func(e *r3labs.Event) { got(string(e.Data)) })
	},
	"tmaxmax/go-sse": func(ctx context.Context, url string, got func(string)) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		conn := (&tmaxmax.Client{Backoff: tmaxmax.Backoff{MaxRetries: -1}}).NewConnection(req)
		conn.SubscribeToAll(func(e tmaxmax.Event) { got(e.Data) })
		return conn.Connect()
	},
	"bufio.Scanner": func(ctx context.Context, url string, got func(string)) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := testkit.StreamClient(&http.Transport{DisableKeepAlives: true}).Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		var data []string
		lines := bufio.NewScanner(resp.Body)
		for lines.Scan() {
			if line, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				data = append(data, line)
			} else if lines.Text() == "" {
				got(strings.Join(data, "\n"))
				data = nil
			}
		}
		return lines.Err()
	},
}

// What POST accepts is no more than these clients can read, also as the first event of a replay.
func TestLargestEventsThatCanBePublishedLockNoClientOut(t *testing.T) {
	t.Parallel()
	s := start(t, "-interval", never.String(), "-publish-token-file", tokenFile(t))
	// Each line takes seven bytes more.
	oneLine := strings.Repeat("x", largestBody)
	manyLines := strings.Repeat("\n", largestBody/7) + strings.Repeat("x", largestBody%7)
	for _, data := range []string{oneLine, manyLines} {
		if status, line := postEvent(t.Context(), testkit.Client, s, data+"x"); status != http.StatusRequestEntityTooLarge {
			t.Errorf("%d bytes: %d: %s", len(data)+1, status, line)
		}
		if status, line := postEvent(t.Context(), testkit.Client, s, data); status != http.StatusNoContent {
			t.Errorf("%d bytes: %d: %s", len(data), status, line)
		}
	}
	for name, connect := range bufferedClients {
		ctx, cancel := context.WithTimeout(t.Context(), testkit.Limit)
		defer cancel()
		received, ended := make(chan string, 8), make(chan error, 1)
		go func() { ended <- connect(ctx, s.url+"/events?lastEventId=0", func(data string) { received <- data }) }()
		for i, want := range []string{oneLine, manyLines} {
			select {
			case got := <-received:
				if got != want {
					t.Errorf("%s: event %d is %.20q, %d bytes", name, i, got, len(got))
				}
			case err := <-ended:
				t.Errorf("%s ended before event %d: %v", name, i, err)
				ended <- err
			}
		}
		cancel()
		testkit.Receive(t, ended, name+"'s end")
	}
}
