package e2e

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"example.com/sse/internal/testkit"
)

// largestBody is how many bytes of one line may be published: with the first line of a stream before it, the
// event without a name is 64 KiB − 1 bytes then.
const largestBody = 64<<10 - 1 - len("retry: 3000\nid: 1795345092524158\ndata: \n\n")

func TestCurlPublishes(t *testing.T) {
	t.Parallel()
	need(t, "curl", "apt-get install curl")
	full, large := newFile(t, "full", strings.Repeat("x", largestBody)), newFile(t, "large", strings.Repeat("x", largestBody+1))
	const right = "Authorization: Bearer " + secret
	for version, start := range map[string]func(*testing.T, ...string) *server{"1.1": start, "2": startTLS} {
		s := start(t, "-interval", never.String(), "-publish-token-file", tokenFile(t))
		post := func(args ...string) string {
			t.Helper()
			out, err := curl(t, append(args, "--write-out", "%{http_version} %{http_code}", s.url+"/events")...)
			// curl 7.88, Debian 12's, loses the line of an answer over HTTP/2 that comes before
			// it has sent its body (RFC 9113, section 8.1, allows such answers), not the status.
			if err != nil && !(version == "2" && strings.Contains(strings.Join(args, " "), large)) {
				t.Errorf("%v: %v: %s", args, err, out)
			}
			return out
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
			if out := post(test.args...); !strings.HasSuffix(out, version+test.want) {
				t.Errorf("%v: %s, want HTTP %s and %s", test.args, out, version, test.want)
			}
		}
		events, _ := parse(t, trusting(t, version == "2"), s.url+"/events", "1")
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
				what, want = "POST /events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+secret+"\r\nContent-Length: 1000\r\n\r\nhalf", 408
			}
			io.WriteString(conn, what)
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil || resp.StatusCode != want {
				t.Errorf("%q: %v, %v, want %d", what, resp, err, want)
			}
		})
	}
	s.publish("", "amid them")
	testkit.Return(t, refused.Wait, "the answers")
	checkWhole(t, fs, retained(t, s))
	checkStreamsStayedOpen(t, fs)
}
