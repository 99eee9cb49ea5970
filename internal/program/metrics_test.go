package program

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"example.com/sse/internal/testkit"
	"example.com/sse/sse"

	"github.com/kataras/iris/v12"
)

// newFigures returns the figures of a broker, and a server that has them and lets publish with the token "swordfish".
func newFigures(t *testing.T) (Figures, *httptest.Server) {
	t.Helper()
	broker := sse.NewBroker()
	rights := &Rights{PublishToken: func() string { return "swordfish" }}
	f := Figures{Broker: broker, Source: &Source{Publish: broker.Publish}, Rights: rights}
	app := iris.New()
	f.Register(app)
	app.HandleMany("GET", "/events", broker.ServeHTTP)
	app.HandleMany("POST OPTIONS", "/events", rights.Publishing(broker.Publish))
	if err := app.Build(); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(app)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), testkit.Limit)
		defer cancel()
		broker.Shutdown(ctx)
		server.Close()
	})
	return f, server
}

// sampleOf matches a sample of /metrics: its name, its labels if it has any, and its value.
var sampleOf = regexp.MustCompile(`(?m)^([a-z_]+)(\{.*\})? (\S+)$`)

// scrape returns the values of /metrics, by name and labels, and the types by name.
func scrape(t *testing.T, url string) (values, types map[string]string) {
	t.Helper()
	response, err := testkit.Client.Get(url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if got := response.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/plain; version=0.0.4; charset=utf-8") {
		t.Errorf("the content type is %q", got)
	}
	text := string(testkit.Get(t, testkit.Client, url+"/metrics"))
	values, types = make(map[string]string), make(map[string]string)
	for _, m := range sampleOf.FindAllStringSubmatch(text, -1) {
		values[m[1]+m[2]] = m[3]
	}
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (\S+) (\S+)$`).FindAllStringSubmatch(text, -1) {
		types[m[1]] = m[2]
		if !regexp.MustCompile(`(?m)^# HELP `+m[1]+` \S.{10,}\.$`).MatchString(text) && strings.HasPrefix(m[1], "sse_") {
			t.Errorf("%s has no help that is a sentence", m[1])
		}
	}
	return values, types
}

// Each figure is in the documentation's table, with its type, and each of that table is there.
func TestEachMetricIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := make(map[string]string)
	for _, m := range regexp.MustCompile("(?m)^\\| `(sse_[a-z_]+)`[^|]*\\| (\\w+) \\|").FindAllStringSubmatch(string(text), -1) {
		documented[m[1]] = m[2]
	}
	_, server := newFigures(t)
	_, types := scrape(t, server.URL)
	maps.DeleteFunc(types, func(name, _ string) bool { return !strings.HasPrefix(name, "sse_") })
	for _, metric := range slices.Concat(natsMetrics, storeMetrics) { // which this server has not
		name := regexp.MustCompile(`fqName: "(\w+)"`).FindStringSubmatch(metric.desc.String())[1]
		types[name] = "gauge"
		if strings.HasSuffix(name, "_total") {
			types[name] = "counter"
		}
	}
	if !maps.Equal(documented, types) {
		t.Errorf("documented are\n%v\nand the server has\n%v", documented, types)
	}
}

func TestMetricsAreThereFromTheStart(t *testing.T) {
	_, server := newFigures(t)
	values, types := scrape(t, server.URL)
	for name, value := range values {
		if strings.HasPrefix(name, "sse_") && value != "0" {
			t.Errorf("%s is %s", name, value)
		}
	}
	for _, name := range []string{
		"sse_clients", "sse_connects_total", `sse_disconnects_total{reason="client_left"}`, `sse_disconnects_total{reason="slow"}`,
		`sse_disconnects_total{reason="network_silent"}`, `sse_disconnects_total{reason="stream_ended"}`, `sse_disconnects_total{reason="too_much_input"}`,
		`sse_resumes_total{complete="true"}`, `sse_resumes_total{complete="false"}`,
		`sse_publications_total{code="204"}`, `sse_publications_total{code="401"}`, `sse_publications_total{code="413"}`, `sse_publications_total{code="other"}`,
		"sse_round_duration_seconds_count", `sse_round_duration_seconds_bucket{le="0.001"}`, `sse_round_duration_seconds_bucket{le="+Inf"}`,
	} {
		if values[name] == "" {
			t.Errorf("there is no %s", name)
		}
	}
	for _, name := range []string{"go_goroutines", "go_gc_duration_seconds", "process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "process_max_fds"} {
		if types[name] == "" {
			t.Errorf("there is no %s", name)
		}
	}
}

func TestPublicationsAreCountedByAnswer(t *testing.T) {
	_, server := newFigures(t)
	for _, test := range []struct {
		method, token, body, code string
	}{
		{"POST", "swordfish", "x", "204"},
		{"POST", "other", "x", "401"},
		{"POST", "swordfish", strings.Repeat("x", 64<<10), "413"},
		{"OPTIONS", "", "", ""}, // publishes nothing
	} {
		before, _ := scrape(t, server.URL)
		request, err := http.NewRequestWithContext(t.Context(), test.method, server.URL+"/events", strings.NewReader(test.body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+test.token)
		response, err := testkit.Client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		testkit.Eventually(t, func() error { // The answer to what was not read goes out before the handler returns.
			after, _ := scrape(t, server.URL)
			var counted []string
			for name, value := range after {
				if strings.HasPrefix(name, "sse_publications_total") && value != before[name] {
					counted = append(counted, name+" "+value)
				}
			}
			want := []string{`sse_publications_total{code="` + test.code + `"} 1`}
			if test.code == "" {
				want = nil
			}
			if !slices.Equal(counted, want) {
				return fmt.Errorf("counted are %v, want %v", counted, want)
			}
			return nil
		})
	}
}

// However many users and topics there are, there are no more figures.
func TestNoMetricGrowsWithUsers(t *testing.T) {
	f, server := newFigures(t)
	before, _ := scrape(t, server.URL)
	for _, topic := range []string{"mail/anna", "mail/berta", "news"} {
		response, err := testkit.StreamClient(&http.Transport{}).Get(server.URL + "/events?topic=" + topic)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if err := f.Broker.Publish(t.Context(), sse.Event{Topic: topic, Name: topic, Data: []byte(topic)}); err != nil {
			t.Fatal(err)
		}
	}
	after, _ := scrape(t, server.URL)
	if got, want := slices.Sorted(maps.Keys(after)), slices.Sorted(maps.Keys(before)); !slices.Equal(got, want) {
		t.Errorf("there were %v, and are %v", want, got)
	}
	if after["sse_clients"] != "3" || after["sse_topics"] != "3" || after["sse_events_published_total"] != "3" || after["sse_retained_events"] != "3" {
		t.Errorf("%v", after)
	}
}

func BenchmarkScrape(b *testing.B) {
	f := Figures{Broker: sse.NewBroker(), Source: new(Source), Rights: new(Rights)}
	handler := f.metricsHandler()
	request := httptest.NewRequest("GET", "/metrics", nil)
	b.ReportAllocs()
	for b.Loop() {
		handler.ServeHTTP(httptest.NewRecorder(), request)
	}
}
