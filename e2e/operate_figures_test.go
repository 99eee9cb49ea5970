package e2e

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"

	"example.com/sse/internal/testkit"
)

func TestHealthIsOKUntilStopping(t *testing.T) {
	t.Parallel()
	s := startTLS(t, "-interval", "100ms")
	if body := testkit.Get(t, trusting(t, false), s.url+"/healthz"); string(body) != "ok" {
		t.Errorf("the body is %q", body)
	}

	// A client that takes no byte holds the server up for half a second. What is asked meanwhile, on
	// a connection that was open before, gets no answer or one that says it is stopping.
	transport := trusting(t, true).Transport.(*http.Transport)
	transport.HTTP2 = &http.HTTP2Config{MaxReceiveBufferPerStream: 1}
	_, cancel, err := open(testkit.StreamClient(transport), s.url+"/events", "")
	if err != nil {
		t.Fatal(err)
	}
	defer cancel()
	conn := tls.Client(dial(t, s), &tls.Config{RootCAs: transport.TLSClientConfig.RootCAs, ServerName: "localhost"})
	if _, err := io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost:"); err != nil {
		t.Fatal(err)
	}
	s.signal(syscall.SIGTERM)
	testkit.Eventually(t, func() error {
		other, err := net.DialTimeout("tcp", s.addr, testkit.Limit)
		if err == nil {
			other.Close()
			return errors.New("it still accepts connections")
		}
		return nil
	})
	io.WriteString(conn, " x\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err == nil && resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("while stopping: %s", resp.Status)
	}
	s.wantEnd()
}

func TestStatsAreFiguresThatAreRight(t *testing.T) {
	t.Parallel()
	s := start(t, "-interval", "100ms")
	var figures map[string]any
	if err := json.Unmarshal(testkit.Get(t, testkit.Client, s.url+"/stats"), &figures); err != nil {
		t.Fatal(err)
	}
	names := slices.Sorted(maps.Keys(figures))
	if want := []string{"bytes_sent", "clients", "clients_total", "disconnects", "event_bytes", "events", "events_sent", "gaps",
		"publications", "refused", "resumes", "resumes_incomplete", "retained", "retained_bytes", "slow_clients", "topics"}; !slices.Equal(names, want) {
		t.Errorf("its names are %v", names)
	}
	a, b := subscribe(t, s.url+"/events", ""), subscribe(t, s.url+"/events", "")
	first, _ := a.next()
	b.close()
	last := fmt.Sprint(first)
	subscribe(t, s.url+"/events", last).next()             // resumes
	subscribe(t, s.url+"/events?lastEventId=1", "").next() // asks for more than is retained
	s.waitForClients(3)
	before := retained(t, s) // resumes, too
	s.waitForClients(3)
	subscribe(t, s.url+"/events?topic=news&topic=mail&topic=news", "")
	subscribe(t, s.url+"/events?topic=&topic=mail", "").next()
	gone := subscribe(t, s.url+"/events?topic=gone", "")
	s.waitForClients(6)
	gone.close()
	s.waitForClients(5)
	want := stats{Clients: 5, ClientsTotal: 8, Resumes: 3, ResumesIncomplete: 2, Topics: 3}
	got := s.stats()
	if after := retained(t, s); got.Events < int64(len(before)) || got.Events > int64(len(after)) {
		t.Errorf("%d events, but %d were retained before and %d afterwards", got.Events, len(before), len(after))
	}
	got.Events = 0
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// What a server tells others about itself ends there.
func TestNothingElseIsTold(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, path := range []string{
		"/debug", "/debug/vars", "/debug/pprof", "/debug/pprof/", "/debug/pprof/cmdline", "/debug/pprof/goroutine",
		"/metrics/all", "/stats/", "/stats/all", "/env", "/config", "/status", "/go.mod", "/main.go", "/.git/config", "/web/index.html",
	} {
		resp, err := testkit.Client.Get(s.url + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		stats := strings.Contains(string(body), "clients_total") // with another slash it may be the same
		if resp.StatusCode != http.StatusNotFound && !stats {
			t.Errorf("GET %s: %s: %.100s", path, resp.Status, body)
		}
	}
	for _, path := range []string{"/", "/events", "/healthz", "/stats", "/metrics", "/nothing"} {
		resp, err := send(t, s, "HEAD "+path+" HTTP/1.1\r\nHost: x\r\n\r\n")
		if err != nil {
			t.Fatal(err)
		}
		if server := resp.Header.Get("Server") + resp.Header.Get("X-Powered-By"); server != "" {
			t.Errorf("HEAD %s: it says that it is %q", path, server)
		}
	}
}
