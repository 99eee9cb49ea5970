package main

import (
	"regexp"
	"strings"
	"testing"
)

func TestTopicsOfEveryServerAreMeasured(t *testing.T) {
	measures(t)
	// One after another: each within the limit.
	for _, s := range servers {
		if s.topics == 0 {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			compiles(t, s)
			_, report := measured(t, "-servers", s.name, "-only", "topics", "-clients", "18", "-rounds", "1", "-duration", "300ms")
			rows := map[string][]string{
				"36 clients on a topic each, an event each 500µs":    {"delivered a second", "CPU per addressed event, µs", "a publication, median, µs", "memory per silent client with what is its topic's, KiB", "events lost"},
				"10 clients on a topic each, an event each 500µs":    {"CPU per addressed event, µs", "events lost"},
				"200 topics with an event each and without a client": {"memory per topic beside the event, bytes"},
			}
			if s.name == limit { // It keeps nothing.
				delete(rows, "200 topics with an event each and without a client")
			}
			if s.topics == hundred {
				rows["2 clients on 100 topics each, an event each 500µs"] = []string{"CPU per addressed event, µs", "events lost", "events doubled"}
			}
			if s.name == app {
				rows["36 silent clients of the default topic"] = []string{"memory per client, KiB"}
			}
			for title, rows := range rows {
				section := sectionOf(report, title)
				for _, row := range rows {
					m := regexp.MustCompile(`(?m)^\| ` + row + ` \| ([\d.,-]+) \|$`).FindStringSubmatch(section)
					if m == nil || strings.HasPrefix(row, "events ") && m[1] != "0" {
						t.Errorf("%s: %s: got %q in\n%s", title, row, m, section)
					}
				}
			}
		})
	}
}

func TestClientsHaveTopicsOfTheirOwn(t *testing.T) {
	for _, test := range []struct {
		server string
		r      run
		client int
		want   string
	}{
		{app, run{turn: turn{topics: 6, steps: []step{{clients: 6}}}}, 5, "/events?topic=topic-5"},
		{app, run{turn: turn{topics: 6, steps: []step{{clients: 3}}}}, 2, "/events?topic=topic-4&topic=topic-5"},
		{app, run{turn: turn{topics: 6, each: true, steps: []step{{}}}}, 0, "/events?topic=topic-0"},
		{app, run{turn: turn{steps: []step{{clients: 6}}}}, 5, "/events"},
		{gosse, run{turn: turn{topics: 2, steps: []step{{clients: 1}}}}, 0, "/events?topic=topic-0&topic=topic-1"},
		{"nchan", run{turn: turn{topics: 2, steps: []step{{clients: 1}}}}, 0, "/events?topic=topic-0,topic-1"},
		{"nchan", run{}, 0, "/events"},
		{"r3labs", run{turn: turn{topics: 2, steps: []step{{clients: 2}}}}, 1, "/events?stream=topic-1"},
		{"r3labs", run{}, 1, "/events?stream=demo"},
		{"centrifugo", run{turn: turn{topics: 2, steps: []step{{clients: 1}}}}, 0, `/connection/uni_sse?cf_connect={"subs":{"topic-0":{},"topic-1":{}}}`},
		{"centrifugo", run{}, 0, `/connection/uni_sse?cf_connect={"subs":{"demo":{"recover":true,"epoch":"abc","offset":7}}}`},
	} {
		chosen, err := choose(test.server)
		if err != nil {
			t.Fatal(err)
		}
		test.r.server = chosen[0]
		path := strings.NewReplacer("%7B", "{", "%7D", "}", "%22", `"`, "%3A", ":", "%2C", ",").Replace(test.r.path(test.client, "abc:7"))
		if path != test.want {
			t.Errorf("%s: got %s, want %s", test.server, path, test.want)
		}
	}
}

func TestBarsOfTopicsAreThoseOfThePackages(t *testing.T) {
	r := &results{options: options{clients: 9000}, servers: servers, figures: map[string]map[string][]float64{}}
	r.add(server{name: app}, figures{
		"topics/cpu": 60, "ten/cpu": 50, "topics/publication": 9, "topics/memory": 2.3, "default/memory": 1.8, "nobody/topic": 401,
		"topics/lost": 0, "topics/doubled": 0, "ten/lost": 0, "ten/doubled": 0, "hundred/lost": 0, "hundred/doubled": 1,
	})
	r.add(server{name: gosse}, figures{"topics/cpu": 500})
	r.add(server{name: "centrifugo"}, figures{"topics/cpu": 61})
	got := make(map[string]string)
	for _, b := range r.topicBars() {
		got[b.figure+": "+b.bar] = b.value + " " + b.verdict()
	}
	for name, want := range map[string]string{
		"CPU per addressed event, 18000 clients on a topic each: at most 1.15 times that among 10": "1.20 NO",
		": at most 0.15 of go-sse's": "0.12 yes",
		": below every rival's":      "60, the best rival's 61 yes",
		"a publication, median, 18000 clients on a topic each: at most 10 µs":                                       "9 yes",
		"memory per client, 18000 clients on a topic each: at most 0.5 KiB more than a client of the default topic": "0.50 yes",
		"topics, events lost or doubled: 0":                                                                         "1 NO",
		"memory per topic without a client, of 100000: at most 400 bytes beside the event":                          "401 NO",
	} {
		if got[name] != want {
			t.Errorf("%s: got %q, want %q", name, got[name], want)
		}
	}
}

func TestTopicsAreMeasuredOnceWhereThatIsEnough(t *testing.T) {
	o := options{clients: 9000, only: "topics"}
	for name, want := range map[string]int{this: 0, app: 5, "nchan": 4, "r3labs": 3, bare: 0} {
		s, err := choose(name)
		if err != nil {
			t.Fatal(err)
		}
		turns, once := 0, 0
		for _, turn := range o.turns(s[0]) {
			if turn.steps != nil {
				turns++
				if turn.once {
					once++
				}
			}
		}
		if turns != want || want > 0 && once != want-2-map[string]int{app: 1}[name] {
			t.Errorf("%s: %d turns, %d of them once; want %d", name, turns, once, want)
		}
	}
}
