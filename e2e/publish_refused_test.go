package e2e

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// refusals are requests whose bodies nobody reads, and the status that each gets.
var refusals = map[string]int{"/events": http.StatusUnauthorized, "/": http.StatusMethodNotAllowed, "/stats": http.StatusMethodNotAllowed, "/missing": http.StatusNotFound}

// A client that sends all of a request before it looks for the answer, as most do, finds it: nobody has
// closed the connection under it.
func TestRefusalArrivesAlthoughTheBodyIsNotRead(t *testing.T) {
	t.Parallel()
	for _, start := range starters {
		s := start(t, "-interval", never.String(), "-publish-token-file", tokenFile(t))
		for path, want := range refusals {
			for range 100 {
				if err := postAllThenRead(t, s, path, want); err != nil {
					t.Errorf("%s%s: %v", s.url, path, err)
					break
				}
			}
		}
	}
}

// postAllThenRead posts 60 kB with a wrong token over HTTP/1, and reads the answer only then.
func postAllThenRead(t *testing.T, s *server, path string, want int) error {
	conn := dial(t, s)
	defer conn.Close()
	if s.isTLS() {
		// The certificate is not what is tested here.
		conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
	}
	head := "POST " + path + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer wrong\r\nConnection: close\r\nContent-Length: 60000\r\n\r\n"
	if _, err := io.WriteString(conn, head); err != nil {
		return err
	}
	for range 60 {
		if _, err := conn.Write(make([]byte, 1000)); err != nil {
			return fmt.Errorf("sending: %w", err)
		}
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return fmt.Errorf("reading: %w", err)
	}
	if _, err := io.ReadAll(answer.Body); err != nil || answer.StatusCode != want {
		return fmt.Errorf("%s, %w, want %d", answer.Status, err, want)
	}
	return nil
}

func TestCurlGetsRefusalsWhoseBodyIsNotRead(t *testing.T) {
	t.Parallel()
	need(t, "curl", "apt-get install curl")
	body := newFile(t, "body", strings.Repeat("x", 60_000))
	for version, start := range map[string]func(*testing.T, ...string) *server{"1.1": start, "2": startTLS} {
		s := start(t, "-interval", never.String(), "-publish-token-file", tokenFile(t))
		for path, want := range refusals {
			for range 10 {
				args := []string{"-H", "Authorization: Bearer wrong", "--data-binary", "@" + body, s.url + path}
				if version == "1.1" {
					args = append(args, "-H", "Connection: close")
				}
				if got, want := curlStatus(t, args...), fmt.Sprint(version, " ", want); got != want {
					t.Errorf("%s: %s, want %s", path, got, want)
				}
			}
		}
	}
}

// A refusal costs no memory, however much its client sends.
func TestRefusedBodiesCostNoMemory(t *testing.T) {
	t.Parallel()
	need(t, "/proc/self/status", "run on Linux")
	s := start(t, "-interval", never.String(), "-publish-token-file", tokenFile(t))
	conns := make([]net.Conn, 200)
	body := "POST /events HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + strings.Repeat("x", 900_000)
	for i := range conns {
		conns[i] = dial(t, s)
		if _, err := io.WriteString(conns[i], body); err != nil {
			t.Fatal(err)
		}
	}
	for _, conn := range conns {
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || answer.StatusCode != http.StatusUnauthorized {
			t.Fatalf("%v, %v", answer, err)
		}
	}
	peak := processFigures(t, s.pid()).peak
	if peak == 0 || peak > 64<<10 {
		t.Errorf("200 refused bodies of 900 kB took the server to %d KiB", peak)
	}
	t.Logf("at most %d KiB", peak)
}

// A request for a stream may have a body, which means nothing.
func TestStreamBeginsAlthoughItsRequestHasABody(t *testing.T) {
	t.Parallel()
	s := startTLS(t, "-interval", never.String())
	for version, client := range map[string]*http.Client{"HTTP/1.1": trusting(t, false), "HTTP/2.0": trusting(t, true)} {
		req, err := http.NewRequestWithContext(limited(t), http.MethodGet, s.url+"/events", strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		line, err := bufio.NewReader(resp.Body).ReadString('\n')
		if err != nil || resp.Proto != version || !strings.HasPrefix(line, "retry: ") {
			t.Errorf("%s, want %s: %q, %v", resp.Proto, version, line, err)
		}
	}
}
