package sse

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

// postHead sends a request's header and a part of its body over HTTP/1, and returns the answer and when
// it came.
func postHead(t *testing.T, server *httptest.Server, rest string) (response *http.Response, line string, after time.Duration) {
	t.Helper()
	conn, err := net.DialTimeout("tcp", server.Listener.Addr().String(), testkit.Limit)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(testkit.Limit))
	begun := time.Now()
	io.WriteString(conn, "POST /events HTTP/1.1\r\nHost: x\r\n"+rest)
	response, err = http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%q: %v", rest, err)
	}
	after = time.Since(begun)
	body, _ := io.ReadAll(response.Body)
	return response, string(body), after
}

// The answer does not wait for the body, which never comes: no timeout of the server's helps.
func TestRefusedBodyIsNotWaitedFor(t *testing.T) {
	server := newPublishServer(t, false, func(context.Context, Event) error {
		t.Error("published")
		return nil
	})
	for what, test := range map[string]struct {
		rest   string
		status int
	}{
		"unauthorised":         {"Content-Length: 10\r\n\r\nhalf", 401},
		"unauthorised, chunks": {"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", 401},
		"too large":            {"Authorization: Bearer swordfish\r\nContent-Length: 65536\r\n\r\nhalf", 413},
	} {
		response, line, _ := postHead(t, server, test.rest)
		wantLine(t, what, response, line, test.status)
	}
}

func TestStalledBodyIsTimedOut(t *testing.T) {
	t.Parallel()
	server := newPublishServer(t, false, func(context.Context, Event) error {
		t.Error("published")
		return nil
	})
	response, line, after := postHead(t, server, "Authorization: Bearer swordfish\r\nContent-Length: 10\r\n\r\nhalf")
	wantLine(t, "a stalled body", response, line, 408)
	if after < bodyTimeout {
		t.Errorf("timed out after %v, before %v", after, bodyTimeout)
	}
	response, line, _ = postHead(t, server, "Authorization: Bearer swordfish\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n")
	wantLine(t, "a malformed body", response, line, 400)
}

// A client's leaving does not make what it published uncertain, and publishing ends by itself.
func TestPublishingHasATimeLimitAndOutlivesTheClient(t *testing.T) {
	t.Parallel()
	begun, ended := make(chan struct{}), make(chan error, 1)
	server := newPublishServer(t, false, func(ctx context.Context, _ Event) error {
		close(begun)
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return ctx.Err()
	})
	ctx, leave := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, "POST", server.URL+"/events", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer swordfish")
	go server.Client().Do(request)
	testkit.Receive(t, begun, "publishing")
	leave()
	if err := testkit.Receive(t, ended, "the end of publishing"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("publishing ended with %v", err)
	}
}

// A connection over HTTP/2 is shared: a request that is refused leaves it to the others.
func TestRefusedPostKeepsTheHTTP2Connection(t *testing.T) {
	server := newPublishServer(t, true, func(context.Context, Event) error { return nil })
	connections := 0
	transport := server.Client().Transport.(*http.Transport)
	dialer := &net.Dialer{Timeout: testkit.Limit}
	transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		connections++ // One request after another: no lock.
		return dialer.DialContext(ctx, network, addr)
	}
	for range 3 {
		response, line := post(t, server, strings.NewReader("x"), "Authorization", "Bearer wrong")
		wantLine(t, "another token", response, line, http.StatusUnauthorized)
		response, line = post(t, server, strings.NewReader("x"), "Authorization", "Bearer swordfish")
		wantLine(t, "the token", response, line, http.StatusNoContent)
	}
	if connections != 1 {
		t.Errorf("%d connections, want 1", connections)
	}
}
