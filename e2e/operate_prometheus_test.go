package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"example.com/sse/internal/testkit"
)

// A prometheus is Debian's, which scrapes the job sse.
type prometheus struct{ url string }

// startPrometheus starts one that scrapes servers twice a second, with the alert rules of dist/.
func startPrometheus(t *testing.T, servers ...*server) prometheus {
	t.Helper()
	need(t, "prometheus", "apt-get install prometheus")
	rules, err := filepath.Abs("../dist/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	var targets []string
	for _, s := range servers {
		targets = append(targets, fmt.Sprintf("%q", s.addr))
	}
	text := fmt.Sprintf("global: {scrape_interval: 500ms, evaluation_interval: 500ms}\nrule_files: [%q]\n"+
		"scrape_configs: [{job_name: sse, static_configs: [{targets: [%s]}]}]\n", rules, strings.Join(targets, ", "))
	addr := testkit.FreeAddr(t)
	run(t, "prometheus", exec.Command("prometheus", "--config.file="+newFile(t, "prometheus.yml", text), "--storage.tsdb.path="+t.TempDir(),
		"--web.listen-address="+addr, "--log.level=warn"))
	p := prometheus{"http://" + addr}
	waitForOK(t, p.url+"/-/ready")
	return p
}

// ask asks for something of the API, whose answer's data it stores in to.
func (p prometheus) ask(t *testing.T, path string, to any) {
	t.Helper()
	resp, err := testkit.Client.Get(p.url + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer := struct {
		Status, Error string
		Data          any
	}{Data: to}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Status != "success" {
		t.Fatalf("%s: %v, %s", path, err, answer.Error)
	}
}

// count returns how many series an expression has.
func (p prometheus) count(t *testing.T, expression string) int {
	t.Helper()
	var data struct{ Result []any }
	p.ask(t, "/api/v1/query?query="+url.QueryEscape(expression), &data)
	return len(data.Result)
}

// metricsIn returns the names of metrics in an expression.
func metricsIn(expression string) (names []string) {
	expression = regexp.MustCompile(`\{[^}]*\}|"[^"]*"|\b(by|without|on) \([^)]*\)`).ReplaceAllString(expression, "")
	for _, name := range regexp.MustCompile(`\b[a-z]+(?:_[a-z]+)*\b(?: *\()?`).FindAllString(expression, -1) {
		if strings.HasPrefix(name, "sse_") || strings.HasPrefix(name, "go_") || strings.HasPrefix(name, "process_") {
			names = append(names, strings.TrimRight(name, " ("))
		}
	}
	return names
}

// panel is what a Grafana dashboard has of one.
type panel struct {
	Title, Type string
	Targets     []struct{ Expr string }
}

// Each panel of the dashboard shows something of a server in its ordinary life, and each expression, of the alerts, too, is of metrics
// that there are.
func TestPrometheusHasWhatTheDashboardAndTheAlertsAskFor(t *testing.T) {
	t.Parallel()
	nats := startNATS(t)
	s := start(t, "-nats", nats.client, "-interval", "100ms")
	s.waitForStatus(http.StatusOK)
	p := startPrometheus(t, s)
	f := follow(t, streaming, s.url+"/events")
	waitUntilOpened(t, []*follower{f}, 1)
	id, _ := subscribe(t, s.url+"/events", "").next()
	subscribe(t, s.url+"/events", fmt.Sprint(id)).close()

	var dashboard struct {
		Panels []panel
	}
	if err := json.Unmarshal([]byte(read(t, "../dist/grafana.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	var expressions []string
	for _, panel := range dashboard.Panels {
		if len(panel.Targets) == 0 && panel.Type != "row" {
			t.Errorf("the panel %q shows nothing", panel.Title)
		}
		for _, target := range panel.Targets {
			expression := strings.NewReplacer("$job", "sse", "$instance", ".*", "$__rate_interval", "10s").Replace(target.Expr)
			expressions = append(expressions, expression)
			testkit.Eventually(t, func() error { // A rate takes two scrapes.
				if p.count(t, expression) == 0 {
					return fmt.Errorf("the panel %q shows nothing: %s", panel.Title, expression)
				}
				return nil
			})
		}
	}

	var rules struct {
		Groups []struct {
			Rules []struct{ Name, Query, Health, LastError, State string }
		}
	}
	testkit.Eventually(t, func() error { // until they have been evaluated
		p.ask(t, "/api/v1/rules", &rules)
		for _, group := range rules.Groups {
			for _, rule := range group.Rules {
				if rule.Health != "ok" {
					return fmt.Errorf("the health of %s is %s: %s", rule.Name, rule.Health, rule.LastError)
				}
			}
		}
		return nil
	})
	var names []string
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			names = append(names, rule.Name)
			expressions = append(expressions, rule.Query)
			if rule.State != "inactive" {
				t.Errorf("the alert %s is %s with a server that is well", rule.Name, rule.State)
			}
		}
	}
	if want := []string{"SSEAbsent", "SSEReconnectStorm", "SSESlowClients", "SSENATSLag", "SSENoEvents"}; !slices.Equal(names, want) {
		t.Errorf("the alerts are %v", names)
	}
	for _, expression := range expressions {
		names := metricsIn(expression)
		if len(names) == 0 && !strings.Contains(expression, "up{") { // which is Prometheus's own
			t.Errorf("no metric is found in %s", expression)
		}
		for _, name := range names {
			if p.count(t, name) == 0 {
				t.Errorf("%s: the server has no %s", expression, name)
			}
		}
	}
}
