package main

import (
	"fmt"
	"math"
)

// storeSections returns what the table shows of events on disk.
func (r *results) storeSections() (sections []section) {
	o := r.options
	for _, n := range publishers {
		step := storedBy(n)
		by := fmt.Sprintf("%d publishers at once", n)
		if n == 1 {
			by = "one publisher"
		}
		sections = append(sections, section{fmt.Sprintf("Events stored on disk by %s: this over HTTP, app by a call", by), []row{
			{step + "/rate", "stored a second", false},
			{step + "/publication", "a publication, median, µs", false},
			{step + "/publication-mean", "a publication, mean, µs", false},
			{step + "/worst", "a publication, worst, ms", false},
			{step + "/cpu", "CPU per event stored, µs", false},
			{step + "/load", "the load's share of a core", false},
		}})
	}
	for _, kept := range []struct{ step, where string }{{"memory", "in memory"}, {"disk", "on disk"}} {
		sections = append(sections, section{fmt.Sprintf("%d clients, an event each %v, events %s", o.clients, o.interval, kept.where), []row{
			{kept.step + "/cpu", "CPU per delivered event, µs", false},
			{kept.step + "/connect-cpu", "CPU per connect, µs", false},
			{kept.step + "/memory", "memory per client, KiB", false},
			{kept.step + "-silent/memory", "memory per silent client, KiB", false},
			{kept.step + "-silent/silent-cpu", "CPU per silent client a second, with a heartbeat each second, µs", false},
			{kept.step + "/lost", "events lost", false},
		}})
	}
	return append(sections,
		section{fmt.Sprintf("%d clients reconnect after an event and a restart of the server", o.clients), []row{
			{"restart/connect", "connect all, ms", false},
			{"restart/resume", "all have resumed, ms", false},
			{"restart/lost", "events lost", false},
			{"restart/doubled", "events doubled", false},
			{"restart/dropped", "clients dropped", false},
		}},
		section{fmt.Sprintf("%d clients lack %d MiB on disk, while %d get an event each %v", o.few(), lackedBytes>>20, o.clients, o.interval), []row{
			{"lack/late", "latest event of a steady client, ms", false},
			{"lack/resume", "all have what they lack, ms", false},
			{"lack/mib", "of it a second, MiB", false},
			{"lack/lost", "events lost", false},
			{"lack/doubled", "events doubled", false},
			{"lack/dropped", "clients dropped", false},
		}})
}

// storeBars holds the figures of events on disk against the bars.
func (r *results) storeBars() (bars []bar) {
	own := func(name string) float64 { return r.value(this, name) }
	for _, f := range []struct{ figure, name string }{
		{"CPU per delivered event", "/cpu"},
		{"CPU per connect", "/connect-cpu"},
		{"memory per client", "/memory"},
		{"memory per silent client", "-silent/memory"},
		{"CPU per silent client", "-silent/silent-cpu"},
	} {
		bars = append(bars, atMost(f.figure+" with events on disk", "at most 1.10 times that without", own("disk"+f.name)/own("memory"+f.name), 1.10))
	}
	for _, by := range []struct{ how, server string }{{"over HTTP", this}, {"by a call", app}} {
		one := 10 * r.value(by.server, storedBy(1)+"/rate")
		bars = append(bars, atLeast("events stored a second by 256 publishers "+by.how, "at least 20,000, or ten times one publisher's",
			r.value(by.server, storedBy(256)+"/rate"), math.Min(20_000, one)))
	}
	return append(bars,
		atMost("reconnect after a restart with events on disk", "nothing lost, doubled or dropped", own("restart/lost")+own("restart/doubled")+own("restart/dropped"), 0),
		atMost(fmt.Sprintf("%d clients lack %d MiB on disk", r.options.few(), lackedBytes>>20), "no steady client's event later than 1,000 ms", own("lack/late"), 1000),
		atMost("", "nothing lost, doubled or dropped", own("lack/lost")+own("lack/doubled")+own("lack/dropped"), 0))
}
