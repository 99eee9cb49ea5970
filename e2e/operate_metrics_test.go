package e2e

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"example.com/sse/internal/testkit"
)

// samplePattern matches a sample of /metrics: its name, its labels, and its value.
var samplePattern = regexp.MustCompile(`(?m)^([a-z_]+(?:\{.*\})?) (\S+)$`)

// metrics returns what /metrics tells, at the server's own address or, with -admin-addr, another.
func metrics(t *testing.T, client *http.Client, url string) map[string]float64 {
	t.Helper()
	samples := make(map[string]float64)
	for _, m := range samplePattern.FindAllStringSubmatch(string(testkit.Get(t, client, url+"/metrics")), -1) {
		value, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		samples[m[1]] = value
	}
	return samples
}

// waitForMetrics waits until the samples named have their values.
func waitForMetrics(t *testing.T, client *http.Client, url string, want map[string]float64) {
	t.Helper()
	testkit.Eventually(t, func() error {
		got := metrics(t, client, url)
		for name, value := range want {
			if have, ok := got[name]; have != value || !ok {
				return fmt.Errorf("%s is %v, want %v", name, have, value)
			}
		}
		return nil
	})
}

// promtool runs promtool.
func promtool(t *testing.T, input []byte, args ...string) {
	t.Helper()
	need(t, "promtool", "apt-get install prometheus")
	cmd := exec.CommandContext(t.Context(), "promtool", args...)
	cmd.Stdin = bytes.NewReader(input)
	cmd.Dir = "../dist"
	if out, err := cmd.CombinedOutput(); err != nil || len(args) > 0 && args[1] == "metrics" && len(out) > 0 {
		t.Errorf("promtool %v: %v\n%s", args, err, out)
	}
}

func TestMetricsArePassedByPromtool(t *testing.T) {
	t.Parallel()
	nats := startNATS(t)
	for _, flags := range [][]string{{"-nats", nats.client}, {"-data", t.TempDir()}} {
		s := start(t, flags...)
		promtool(t, testkit.Get(t, testkit.Client, s.url+"/metrics"), "check", "metrics")
	}
}

func TestAlertsFireWhenTheyShould(t *testing.T) {
	t.Parallel()
	promtool(t, nil, "check", "rules", "alerts.yml")
	promtool(t, nil, "test", "rules", "alerts_test.yml")
}

// What is counted is what clients do, over each protocol.
func TestMetricsCountWhatClientsDo(t *testing.T) {
	t.Parallel()
	for _, p := range []struct {
		name   string
		client *http.Client
		start  func(t *testing.T, args ...string) *server
		chat   func(t *testing.T, s *server) // sends too much
	}{
		{"HTTP/1.1", testkit.StreamClient(&http.Transport{}), start, func(t *testing.T, s *server) {
			io.WriteString(dial(t, s), "GET /events HTTP/1.1\r\nHost: x\r\n\r\n"+strings.Repeat("x", 8<<10))
		}},
		{"TLS", trusting(t, false), startTLS, func(t *testing.T, s *server) {
			io.WriteString(tls.Client(dial(t, s), &tls.Config{InsecureSkipVerify: true}), "GET /events HTTP/1.1\r\nHost: x\r\n\r\n"+strings.Repeat("x", 8<<10))
		}},
		{"HTTP/2", trusting(t, true), startTLS, func(t *testing.T, s *server) {
			c := dialHTTP2(t, s)
			stream, err := c.request("GET", "/events", false)
			if err != nil {
				t.Fatal(err)
			}
			c.WriteData(stream, false, make([]byte, 8<<10))
		}},
	} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			admin := testkit.FreeAddr(t)
			s := p.start(t, "-interval", never.String(), "-history", "200000", "-publish-token-file", tokenFile(t), "-admin-addr", admin, "-drain", "4s")
			wait := func(want map[string]float64) {
				t.Helper()
				waitForMetrics(t, testkit.Client, "http://"+admin, want)
			}
			stays := subscribeWith(t, p.client, s.url+"/events", "")
			wait(map[string]float64{"sse_clients": 1, "sse_connects_total": 1})
			s.publish("", "one")
			id, _ := stays.next()
			s.wantPost(post{data: strings.Repeat("x", 64<<10)}, http.StatusRequestEntityTooLarge)
			subscribeWith(t, p.client, s.url+"/events", fmt.Sprint(id)).close()
			subscribeWith(t, p.client, s.url+"/events?topic=other", "1").close()
			p.chat(t, s)
			wait(map[string]float64{
				"sse_clients": 1, "sse_connects_total": 4, "sse_events_published_total": 1, "sse_events_sent_total": 1, "sse_retained_events": 1,
				`sse_resumes_total{complete="true"}`: 1, `sse_resumes_total{complete="false"}`: 1, "sse_gaps_told_total": 1,
				`sse_disconnects_total{reason="client_left"}`: 2, `sse_disconnects_total{reason="too_much_input"}`: 1,
				`sse_publications_total{code="204"}`: 1, `sse_publications_total{code="413"}`: 1,
				"sse_round_duration_seconds_count": 1, `sse_round_duration_seconds_bucket{le="+Inf"}`: 1,
			})

			// Its next event is evicted while it does not read.
			_, leave, err := open(p.client, s.url+"/events?topic=much", "")
			if err != nil {
				t.Fatal(err)
			}
			defer leave()
			slow := `sse_disconnects_total{reason="slow"}`
			for posted := 0; metrics(t, testkit.Client, "http://"+admin)[slow] == 0; posted++ {
				if posted > 500 {
					t.Fatal("it is not cut off")
				}
				s.publish("much", strings.Repeat("x", 60<<10))
			}
			// The figures are there until the last stream has ended.
			for range 20 {
				subscribeWith(t, p.client, s.url+"/events", "")
			}
			s.signal(syscall.SIGTERM)
			testkit.Eventually(t, func() error {
				if got := metrics(t, testkit.Client, "http://"+admin); got[`sse_disconnects_total{reason="stream_ended"}`] == 0 || got[slow] != 1 {
					return errors.New("no stream has ended")
				}
				return nil
			})
		})
	}
}
