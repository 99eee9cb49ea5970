package e2e

import (
	"bufio"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

// tokenFile returns a file with the token "swordfish".
func tokenFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("swordfish\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// postEvent posts an event to a server, and returns the answer's status and line. It is 0 where there is
// no answer.
func postEvent(ctx context.Context, client *http.Client, s *server, data string) (status int, line string) {
	return postNamed(ctx, client, s, "", data)
}

// postNamed is postEvent for an event with a name, unless that is empty.
func postNamed(ctx context.Context, client *http.Client, s *server, name, data string) (status int, line string) {
	ctx, cancel := context.WithTimeout(ctx, testkit.Limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/events", strings.NewReader(data))
	if err != nil {
		return 0, err.Error()
	}
	req.Header.Set("Authorization", "Bearer swordfish")
	if name != "" {
		req.Header.Set("Sse-Event", name)
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(body)
}

// largestBody is how many bytes of one line may be published: with the first line of a stream before it, the
// event without a name is 64 KiB − 1 bytes then.
const largestBody = 64<<10 - 1 - len("retry: 3000\nid: 1795345092524158\ndata: \n\n")

func TestCurlPublishes(t *testing.T) {
	t.Parallel()
	need(t, "curl", "apt-get install curl")
	cert, key := certificate(t)
	dir := t.TempDir()
	full, large := filepath.Join(dir, "full"), filepath.Join(dir, "large")
	for file, size := range map[string]int{full: largestBody, large: largestBody + 1} {
		if err := os.WriteFile(file, []byte(strings.Repeat("x", size)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const right = "Authorization: Bearer swordfish"
	for _, flags := range [][]string{nil, {"-cert", cert, "-key", key}} {
		s := start(t, append(flags, "-interval", never.String(), "-publish-token-file", tokenFile(t))...)
		version := "1.1"
		if flags != nil {
			version = "2"
		}
		curl := func(args ...string) string {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), testkit.Limit)
			defer cancel()
			cmd := exec.CommandContext(ctx, "curl", append(args, "-s", "-S", "--insecure", "-w", "%{http_version} %{http_code}", s.url+"/events")...)
			out, err := cmd.Output()
			// curl 7.88, Debian 12's, loses the line of an answer over HTTP/2 that comes before
			// it has sent its body (RFC 9113, section 8.1, allows such answers), not the status.
			if err != nil && !(version == "2" && strings.Contains(strings.Join(args, " "), large)) {
				t.Errorf("%v: %v: %s", args, err, out)
			}
			return string(out)
		}
		for _, test := range []struct {
			args []string
			want string
		}{
			{[]string{"-H", right, "-H", "Sse-Event: alert", "--data-binary", "Lunch is ready"}, " 204"},
			{[]string{"-H", right, "--data-binary", "@" + full}, " 204"},
			{[]string{"-H", right, "--data-binary", ""}, " 204"},
			{[]string{"-H", right, "--data-binary", "@" + large}, " 413"},
			{[]string{"-H", right, "-H", "Transfer-Encoding: chunked", "--data-binary", "@" + large}, " 413"},
			{[]string{"--data-binary", "@" + large}, " 401"},
			{[]string{"-H", right, "-H", "Content-Encoding: gzip", "--data-binary", "x"}, " 415"},
			{[]string{"-H", right, "-H", "Content-Type: text/plain; charset=iso-8859-1", "--data-binary", "x"}, " 415"},
			{[]string{"-H", right, "-H", "Sse-Event: caf\xe9", "--data-binary", "x"}, " 400"},
			{[]string{"-H", right, "-H", "Sse-Event: Preis €", "--data-binary", "caf\xe9"}, " 204"},
			{[]string{"-H", "Authorization: Bearer wrong", "--data-binary", "x"}, " 401"},
			{[]string{"-X", "PUT", "-H", right, "--data-binary", "x"}, " 405"},
		} {
			if out := curl(test.args...); !strings.HasSuffix(out, version+test.want) {
				t.Errorf("%v: %s, want HTTP %s and %s", test.args, out, version, test.want)
			}
		}
		resp, cancel, err := open(trusting(t, cert, flags != nil), s.url+"/events", "1")
		if err != nil {
			t.Fatal(err)
		}
		defer cancel()
		defer resp.Body.Close()
		defer time.AfterFunc(testkit.Limit, cancel).Stop()
		events := testkit.NewParser(resp.Body)
		for _, want := range []testkit.Event{{Name: "alert", Data: "Lunch is ready"}, {Data: strings.Repeat("x", largestBody)}, {}, {Name: "Preis €", Data: "caf\ufffd"}} {
			got, err := events.Next()
			if err != nil || got.Name != want.Name || got.Data != want.Data {
				t.Errorf("got %q %.20q, %v; want %q %.20q", got.Name, got.Data, err, want.Name, want.Data)
			}
		}
	}
}

// Those without the token, and those whose bodies stall, get their answers and keep nobody up.
func TestPostsThatStallOrAreRefusedDisturbNobody(t *testing.T) {
	t.Parallel()
	s := start(t, "-interval", "100ms", "-publish-token-file", tokenFile(t))
	fs := followers(t, 5, s.url+"/events")
	var refused sync.WaitGroup
	for i := range 100 {
		conn := dial(t, s)
		refused.Go(func() {
			what, want := "POST /events HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nhalf", 401
			if i%2 == 0 {
				what, want = "POST /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer swordfish\r\nContent-Length: 1000\r\n\r\nhalf", 408
			}
			io.WriteString(conn, what)
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil || resp.StatusCode != want {
				t.Errorf("%q: %v, %v, want %d", what, resp, err, want)
			}
		})
	}
	if status, line := postEvent(t.Context(), testkit.Client, s, "amid them"); status != http.StatusNoContent {
		t.Errorf("%d: %s", status, line)
	}
	testkit.Return(t, refused.Wait, "the answers")
	checkWhole(t, fs, retained(t, s))
	checkStreamsStayedOpen(t, fs)
}

// A reader reads a stream to its end: the hash of all bytes from the first event on, which is the
// same for all who were there from the start, and what came if it is to keep that.
type reader struct {
	keep   bool
	hash   [sha256.Size]byte
	events map[string]int // how often each payload came
	err    error          // what ended the stream, or nil where it ended well
}

func (r *reader) read(body io.Reader) {
	r.events = make(map[string]int)
	hash := sha256.New()
	lines := bufio.NewReaderSize(body, 32<<10)
	begun := false
	for {
		line, err := lines.ReadSlice('\n')
		begun = begun || strings.HasPrefix(string(line), "id: ")
		if begun {
			hash.Write(line)
		}
		if data, ok := strings.CutPrefix(string(line), "data: "); ok && r.keep {
			r.events[strings.TrimSuffix(data, "\n")]++
		}
		if err != nil {
			if err != io.EOF {
				r.err = err
			}
			hash.Sum(r.hash[:0])
			return
		}
	}
}

func TestEveryEventPublishedIsOnEveryStreamOnceAlsoOverSIGTERM(t *testing.T) {
	s := start(t, "-interval", never.String(), "-publish-token-file", tokenFile(t))
	const clients, publishers = 1000, 20
	client := testkit.StreamClient(&http.Transport{DisableKeepAlives: true})
	readers := make([]reader, clients)
	var reading sync.WaitGroup
	for i := range readers {
		resp, cancel, err := open(client, s.url+"/events", "")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cancel)
		r := &readers[i]
		r.keep = i < clients/10
		reading.Go(func() {
			defer resp.Body.Close()
			r.read(resp.Body)
		})
	}
	s.waitForClients(clients)

	var mu sync.Mutex
	statuses := make(map[string]int) // by payload; mu protects it
	posting := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: publishers}, Timeout: testkit.Limit}
	defer posting.CloseIdleConnections()
	var publishing sync.WaitGroup
	accepted := make(chan struct{}, 1<<16)
	for i := range publishers {
		publishing.Go(func() {
			for j := 0; j < 2000; j++ {
				data := fmt.Sprint(i, " ", j)
				status, line := postEvent(t.Context(), posting, s, data)
				mu.Lock()
				statuses[data] = status
				mu.Unlock()
				switch status {
				case http.StatusNoContent:
					accepted <- struct{}{}
				case http.StatusServiceUnavailable:
					if !strings.Contains(line, "stopped") {
						t.Errorf("503: %q", line)
					}
				case 0: // no connection, or it was lost
					return
				default:
					t.Errorf("%d: %q", status, line)
					return
				}
			}
		})
	}
	for range 300 {
		testkit.Receive(t, accepted, "an event that is published")
	}
	if code := s.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	testkit.Return(t, publishing.Wait, "the publishers")
	testkit.Return(t, reading.Wait, "the streams' ends")

	same := make(map[[sha256.Size]byte]int) // how many streams have a hash
	for i := range readers {
		if readers[i].err != nil {
			t.Errorf("stream %d ended with %v", i, readers[i].err)
		}
		same[readers[i].hash]++
	}
	whole := 0 // a stream that most are the same as
	for i := range readers {
		if readers[i].keep && same[readers[i].hash] > same[readers[whole].hash] {
			whole = i
		}
	}
	// A busy machine may not let all read in time what came last, and the server says so.
	cutOff := 0
	if _, after, ok := strings.Cut(s.output(), "sse: cut off "); ok {
		fmt.Sscan(after, &cutOff)
	}
	if n := clients - same[readers[whole].hash]; n > cutOff {
		t.Errorf("%d streams are not the same as most, and the server has cut off %d", n, cutOff)
	}
	counts := make(map[int]int)
	for data, status := range statuses {
		counts[status]++
		times := readers[whole].events[data]
		if status == http.StatusNoContent && times != 1 || status == http.StatusServiceUnavailable && times != 0 || times > 1 {
			t.Errorf("%q got %d and is %d times on the streams", data, status, times)
		}
	}
	t.Logf("answers: %v", counts)
}
