package main

import (
	"testing"
)

func TestBarsAreCheckedAgainstTheMedianOfTheRounds(t *testing.T) {
	r := &results{options: options{clients: 9000}, servers: servers, figures: map[string]map[string][]float64{}}
	for _, cpu := range []float64{3, 1, 2} {
		r.add(server{name: this}, figures{
			"many/cpu": cpu, "overload/lost": 0, "busy/lost": 3 - cpu,
			"https2/cpu": 10.2, "https2/memory": 44, "most/memory": 2.5, "few/memory": 2.4, "many-again/resume": 500,
		})
		r.add(server{name: seed}, figures{"many/cpu": 4, "many-again/resume": 400, "many-again/lost": 9000})
		r.add(server{name: "go-sse"}, figures{"many/cpu": 2, "https2/cpu": 10, "https2/memory": 60, "many-again/resume": 500, "many-again/lost": 0})
		r.add(server{name: "nchan"}, figures{"https2/cpu": 9, "https2/memory": 43, "many/memory": 14})
		r.add(server{name: proxied}, figures{"https2/cpu": 10.2, "https2/memory": 40})
	}
	wantBars(t, r.checks(), map[string]string{
		"CPU per delivered event, 9000 clients: at most 0.80 of the seed's":                                  "0.50 yes",
		"CPU per delivered event, 9000 clients: below every rival's":                                         "2, the best rival's 2 NO",
		"CPU per delivered event, 9000 clients: at most 1.35 of the limit's":                                 "– unknown",
		"CPU per delivered event over HTTPS, HTTP/2: at most 1.03 of the best Go rival's":                    "1.02 yes", // nchan is not Go.
		"CPU per delivered event over HTTPS, HTTP/2: below nginx and this server behind it":                  "10.2, theirs 10.2 NO",
		"memory per client over HTTPS, HTTP/2: at most 45 KiB":                                               "44 yes",
		"memory per client over HTTPS, HTTP/2: below every rival's":                                          "44, the best rival's 43 NO", // proxied is no rival.
		"memory per client, 18000 clients: below every rival's":                                              "2.50, the best rival's 14 yes",
		"growth, 1000 to 18000 clients: no more memory per client":                                           "1.04 NO",
		"reconnect, 9000 clients: all have resumed no later than with the best rival that loses nothing, ms": "500, its 500 yes",
		"overload, events lost: 0": "2 NO", // the worst round
		"overload at 100 µs, delivered a second: at least 25 times the seed's": "– unknown",
	})
}

// wantBars fails where bars do not have some values and verdicts, which are named by figure and bar.
func wantBars(t *testing.T, bars []bar, want map[string]string) {
	t.Helper()
	got := make(map[string]string)
	for figure, b := range named(bars) {
		got[figure+": "+b.bar] = b.value + " " + b.verdict()
	}
	for name, want := range want {
		if got[name] != want {
			t.Errorf("%s: got %q, want %q", name, got[name], want)
		}
	}
}
