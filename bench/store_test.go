package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestEventsOnDiskAreMeasured(t *testing.T) {
	measures(t)
	const (
		by      = "Events stored on disk by %s: this over HTTP, app by a call"
		restart = "18 clients reconnect after an event and a restart of the server"
		lack    = "2 clients lack 4 MiB on disk, while 18 get an event each 200ms"
	)
	stored := []string{"stored a second", "a publication, median, µs", "a publication, worst, ms"}
	kept := []string{"CPU per delivered event, µs", "CPU per connect, µs", "memory per client, KiB", "memory per silent client, KiB", "CPU per silent client a second, with a heartbeat each second, µs", "events lost"}
	byAll := func(rows map[string][]string) map[string][]string {
		for _, n := range []string{"one publisher", "16 publishers at once", "256 publishers at once"} {
			rows[fmt.Sprintf(by, n)] = stored
		}
		return rows
	}
	for name, sections := range map[string]map[string][]string{
		this: byAll(map[string][]string{
			"18 clients, an event each 200ms, events in memory": kept,
			"18 clients, an event each 200ms, events on disk":   kept,
			restart: {"all have resumed, ms", "events lost", "events doubled", "clients dropped"},
			lack:    {"latest event of a steady client, ms", "all have what they lack, ms", "events lost", "events doubled", "clients dropped"},
		}),
		app:     byAll(map[string][]string{}),
		"nchan": {restart: {"events lost", "events doubled"}},
		gosse:   {restart: {"all have resumed, ms", "events lost", "events doubled", "clients dropped"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir, report := measured(t, "-servers", name, "-only", "store", "-clients", "18", "-rounds", "1", "-interval", "200ms", "-duration", "300ms")
			for title, rows := range sections {
				section := sectionOf(report, title)
				for _, row := range rows {
					m := regexp.MustCompile(`(?m)^\| ` + row + ` \| ([\d.,-]+) \|$`).FindStringSubmatch(section)
					never := strings.HasPrefix(row, "events ") || row == "clients dropped"
					loses := row == "events lost" && name != this
					if m == nil || never && (m[1] == "0") == loses {
						t.Errorf("%s: %s: got %q in\n%s", title, row, m, section)
					}
				}
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "bench*")); len(left) > 0 {
				t.Errorf("left %q", left)
			}
		})
	}
}

func TestBarsOfEventsOnDiskAreThoseWithout(t *testing.T) {
	r := &results{options: options{clients: 9000}, servers: servers, figures: map[string]map[string][]float64{}}
	for _, late := range []float64{900, 1001, 800} {
		r.add(server{name: this}, figures{
			"memory/cpu": 10, "disk/cpu": 11.1, "memory/connect-cpu": 50, "disk/connect-cpu": 55, "memory/memory": 2, "disk/memory": 1,
			"memory-silent/memory": 2, "stored-1/rate": 600, "stored-256/rate": 5999,
			"restart/lost": 0, "restart/doubled": late - 900, "restart/dropped": 0, "lack/late": late,
		})
		r.add(server{name: app}, figures{"stored-1/rate": 3000, "stored-256/rate": 20_001})
	}
	wantBars(t, r.storeBars(), map[string]string{
		"CPU per delivered event with events on disk: at most 1.10 times that without":                      "1.11 NO",
		"CPU per connect with events on disk: at most 1.10 times that without":                              "1.10 yes",
		"memory per client with events on disk: at most 1.10 times that without":                            "0.50 yes",
		"memory per silent client with events on disk: at most 1.10 times that without":                     "– unknown",
		"events stored a second by 256 publishers over HTTP: at least 20,000, or ten times one publisher's": "5,999 NO",
		"events stored a second by 256 publishers by a call: at least 20,000, or ten times one publisher's": "20,001 yes",
		"reconnect after a restart with events on disk: nothing lost, doubled or dropped":                   "101 NO", // the worst round
		"1000 clients lack 4 MiB on disk: no steady client's event later than 1,000 ms":                     "1,001 NO",
	})
}

func TestEventsOnDiskAreMeasuredOfThoseThatRestart(t *testing.T) {
	o := options{clients: 9000, only: "store"}
	for name, want := range map[string]int{this: 9, app: 3, "nchan": 1, gosse: 1, bare: 0} {
		s, err := choose(name)
		if err != nil {
			t.Fatal(err)
		}
		turns, onDisk := 0, 0
		for _, turn := range o.turns(s[0]) {
			if turn.steps == nil {
				continue
			}
			turns++
			flags, err := storeFlags(s[0], turn, filepath.Join(t.TempDir(), "binary"))
			if err != nil {
				t.Fatal(err)
			}
			if len(flags) > 0 && flags[0] == "-data" {
				onDisk++
			}
		}
		if wantOnDisk := map[string]int{this: 7, app: 3}[name]; turns != want || onDisk != wantOnDisk {
			t.Errorf("%s: %d turns, %d on disk; want %d, %d", name, turns, onDisk, want, wantOnDisk)
		}
	}
}
