package e2e

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

// A listener is an http.RoundTripper over HTTP/1.1 that reads the answer while it sends the request, whatever
// comes of that. net/http's tells at times of the request alone where the answer came first.
type listener struct {
	tls *tls.Config // for https
}

func (l listener) RoundTrip(req *http.Request) (*http.Response, error) {
	conn, err := net.DialTimeout("tcp", req.URL.Host, testkit.Limit)
	if err != nil {
		return nil, err
	}
	if req.URL.Scheme == "https" {
		config := l.tls.Clone()
		config.ServerName = req.URL.Hostname()
		conn = tls.Client(conn, config)
	}
	conn.SetDeadline(time.Now().Add(testkit.Limit))
	go req.Write(conn)
	resp, err := http.ReadResponse(bufio.NewReader(conn), req)
	if err != nil {
		conn.Close()
		return nil, err
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{resp.Body, conn}
	return resp, nil
}

// asking returns a client for requests that may be refused.
func (f front) asking() *http.Client {
	if f.major == 2 {
		return f.client()
	}
	return &http.Client{Transport: listener{f.client().Transport.(*http.Transport).TLSClientConfig}, Timeout: testkit.Limit}
}

// post publishes an event through a front.
func (f front) post(path, name, data string) answer {
	return post{name: name, data: data}.by(f.asking(), f.url+path)
}

// NATS is away, so that even those who have the token are refused.
func TestProxiesPassRefusalsOn(t *testing.T) {
	t.Parallel()
	flags := []string{"-nats", "nats://" + testkit.FreeAddr(t), "-publish-token-file", tokenFile(t)}
	forEachProxy(t, flags, func(t *testing.T, s *server, fronts []front) {
		var stalled sync.WaitGroup
		for _, f := range fronts {
			if f.stalled == 0 {
				continue
			}
			client := f.asking()
			stalled.Go(func() {
				body, stall := io.Pipe()
				defer stall.Close()
				go io.WriteString(stall, "half")
				if a := ask(client, http.MethodPost, f.url+"/events", "swordfish", nil, body, 1000); a.status != f.stalled {
					t.Errorf("%s: a body that stalls gets %v, want %d", f.name, a, f.stalled)
				}
			})
		}
		for _, f := range fronts {
			t.Run(f.name, func(t *testing.T) { checkRefusals(t, s, f) })
		}
		testkit.Return(t, stalled.Wait, "the answers to those that stall")
	})
}

// checkRefusals sends the server what it refuses, and checks that its answer is what comes through the proxy.
func checkRefusals(t *testing.T, s *server, f front) {
	direct := &http.Client{Transport: listener{}, Timeout: testkit.Limit}
	for _, refused := range []struct {
		want                int
		method, path, token string
		size                int
		chunked             bool
		header              http.Header
	}{
		{401, "POST", "/events", "", 0, false, nil},
		{401, "POST", "/events", "wrong", 60_000, false, nil},
		{401, "POST", "/events", "wrong", 900_000, false, nil},
		{401, "POST", "/events", "wrong", 900_000, true, nil},
		{413, "POST", "/events", "swordfish", 100_000, false, nil},
		{413, "POST", "/events", "swordfish", 900_000, false, nil},
		{413, "POST", "/events", "swordfish", 900_000, true, nil},
		{400, "POST", "/events", "swordfish", 60_000, false, http.Header{"Sse-Event": {"not UTF-8: \xe9"}}},
		{403, "POST", "/events", "swordfish", 60_000, false, http.Header{"Sec-Fetch-Site": {"cross-site"}}},
		{415, "POST", "/events", "swordfish", 60_000, false, http.Header{"Content-Encoding": {"gzip"}}},
		{503, "POST", "/events", "swordfish", 1000, false, nil},
		{405, "PUT", "/events", "swordfish", 1000, false, nil},
		{405, "PUT", "/events", "swordfish", 900_000, false, nil},
		{204, "OPTIONS", "/events", "", 0, false, nil},
		{404, "POST", "/nothing", "swordfish", 900_000, false, nil},
		{404, "GET", "/nothing", "", 0, false, nil},
		{503, "GET", "/healthz", "", 0, false, nil},
	} {
		send := func(client *http.Client, url string) answer {
			body, size := io.Reader(strings.NewReader(strings.Repeat("x", refused.size))), int64(refused.size)
			if refused.chunked {
				body, size = io.MultiReader(body), -1
			} else if refused.size == 0 {
				body = nil
			}
			return ask(client, refused.method, url+refused.path, refused.token, refused.header, body, size)
		}
		want := send(direct, s.url)
		if want.status != refused.want {
			t.Errorf("%+v: the server answers %v", refused, want)
		}
		times := 1
		if refused.size > 1000 {
			times = 5 // It is a race.
		}
		for range times {
			got := send(f.asking(), f.url)
			if got.status != want.status || got.body != want.body {
				t.Errorf("%+v: %v, want %v", refused, got, want)
				break
			}
			for _, name := range []string{"Access-Control-Allow-Origin", "Access-Control-Allow-Headers", "Access-Control-Allow-Methods", "Allow", "Content-Type", "Vary",
				"WWW-Authenticate", "X-Content-Type-Options"} {
				if got, want := got.header.Values(name), want.header.Values(name); fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%+v: %s: %q, want %q", refused, name, got, want)
				}
			}
		}
	}
}
