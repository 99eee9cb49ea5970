package e2e

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestHealthIsOKUntilStopping(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	s := start(t, "-interval", "100ms", "-cert", cert, "-key", key)
	if body := get(t, trusting(t, cert, false), s.url+"/healthz"); string(body) != "ok" {
		t.Errorf("the body is %q", body)
	}

	// One who takes no byte holds the server up for a moment, in which it can be asked: on
	// a connection that was open before, since it accepts no other.
	transport := trusting(t, cert, true).Transport.(*http.Transport)
	transport.HTTP2 = &http.HTTP2Config{MaxReceiveBufferPerStream: 1}
	_, cancel, err := open(&http.Client{Transport: transport}, s.url+"/events", "")
	if err != nil {
		t.Fatal(err)
	}
	defer cancel()
	conn, err := tls.Dial("tcp", s.addr, &tls.Config{RootCAs: transport.TLSClientConfig.RootCAs})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost:")
	time.Sleep(200 * time.Millisecond)
	s.signal(syscall.SIGTERM)
	time.Sleep(100 * time.Millisecond)
	if other, err := net.Dial("tcp", s.addr); err == nil {
		other.Close()
		t.Error("it still accepts connections")
	}
	select {
	case <-s.exited:
		t.Fatal("it has ended already: nothing held it up")
	default:
	}
	io.WriteString(conn, " x\r\n\r\n")
	conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err == nil && resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("while stopping: %s", resp.Status)
	}
	select {
	case <-s.exited:
		if code := s.cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	case <-time.After(3 * time.Second):
		t.Error("one who takes nothing keeps the server from ending")
	}
}

func TestStatsAreSixFiguresThatAreRight(t *testing.T) {
	t.Parallel()
	s := start(t, "-interval", "100ms")
	var figures map[string]int64
	if err := json.Unmarshal(get(t, http.DefaultClient, s.url+"/stats"), &figures); err != nil {
		t.Fatal(err)
	}
	names := slices.Sorted(maps.Keys(figures))
	if want := []string{"clients", "clients_total", "events", "resumes", "resumes_incomplete", "slow_clients"}; !slices.Equal(names, want) {
		t.Errorf("its names are %v", names)
	}
	a, b := subscribe(t, s.url+"/events", ""), subscribe(t, s.url+"/events", "")
	first, _ := a.next(5 * time.Second)
	b.close()
	last := fmt.Sprint(first)
	subscribe(t, s.url+"/events", last).next(5 * time.Second)         // resumes
	subscribe(t, s.url+"/events?lastEventId=1", "").next(time.Second) // asks for more than is held
	s.waitForClients(3, 5*time.Second)
	before := held(t, s) // resumes, too
	s.waitForClients(3, 5*time.Second)
	want := stats{Clients: 3, ClientsTotal: 5, Resumes: 3, ResumesIncomplete: 2}
	got := s.stats()
	if got.Events < int64(len(before)) || got.Events > int64(len(before))+50 {
		t.Errorf("%d events, but %d were held before", got.Events, len(before))
	}
	got.Events = 0
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// What a server tells strangers about itself ends there.
func TestNothingElseIsTold(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, path := range []string{
		"/debug", "/debug/vars", "/debug/pprof", "/debug/pprof/", "/debug/pprof/cmdline", "/debug/pprof/goroutine",
		"/metrics", "/stats/", "/stats/all", "/env", "/config", "/status", "/go.mod", "/main.go", "/.git/config", "/web/index.html",
	} {
		resp, err := http.Get(s.url + path)
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
	for _, path := range []string{"/", "/events", "/healthz", "/stats", "/nothing"} {
		resp, err := send(t, s, "HEAD "+path+" HTTP/1.1\r\nHost: x\r\n\r\n")
		if err != nil {
			t.Fatal(err)
		}
		if server := resp.Header.Get("Server") + resp.Header.Get("X-Powered-By"); server != "" {
			t.Errorf("HEAD %s: it says that it is %q", path, server)
		}
	}
}
