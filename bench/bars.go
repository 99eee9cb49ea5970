package main

import (
	"cmp"
	"fmt"
	"iter"
	"math"
	"strings"

	"example.com/sse/bench/format"
)

// A bar is what the server must reach.
type bar struct {
	figure, bar string
	value       string
	ok, known   bool
}

// best returns the best of a figure among some servers, or NaN where none has it.
func (r *results) best(name string, better func(a, b float64) float64, among func(server) bool) float64 {
	best := math.NaN()
	for _, s := range r.servers {
		v := r.value(s.name, name)
		switch {
		case !among(s) || math.IsNaN(v):
		case math.IsNaN(best):
			best = v
		default:
			best = better(best, v)
		}
	}
	return best
}

// atMost returns a bar that a value reaches where it is not above a bound. A bar without a figure's name is of the same
// figure as the one before.
func atMost(figure, text string, value, bound float64) bar {
	return bar{figure, text, format.Number(value), value <= bound, !math.IsNaN(value) && !math.IsNaN(bound)}
}

// atLeast is atMost for a value that must not be below the bound.
func atLeast(figure, text string, value, bound float64) bar {
	b := atMost(figure, text, -value, -bound)
	b.value = format.Number(value)
	return b
}

// beside is atMost with another server's figure as the bound, which the bar's value names.
func beside(figure, text string, value float64, whose string, bound float64) bar {
	b := atMost(figure, text, value, bound)
	b.value += ", " + whose + " " + format.Number(bound)
	return b
}

// below is beside for a value that must be below the best rival's.
func below(figure, text string, value, rivals float64) bar {
	b := beside(figure, text, value, "the best rival's", rivals)
	b.ok = value < rivals
	return b
}

// checks returns the bars with the server's figures.
func (r *results) checks() []bar {
	own := func(name string) float64 { return r.value(this, name) }
	rivals := func(name string) float64 { return r.best(name, math.Min, server.rival) }
	o := r.options
	few, many, most := fmt.Sprintf(", %d clients", o.few()), fmt.Sprintf(", %d clients", o.clients), fmt.Sprintf(", %d clients", o.most())
	const https, https2 = " over HTTPS, HTTP/1.1", " over HTTPS, HTTP/2"
	cpu := own("many/cpu")
	bars := []bar{
		atMost("CPU per delivered event"+many, "at most 0.80 of the seed's", cpu/r.value(seed, "many/cpu"), 0.80),
		below("", "below every rival's", cpu, rivals("many/cpu")),
		atMost("", "at most 1.35 of the limit's", cpu/r.value(limit, "many/cpu"), 1.35),
	}
	for _, secure := range []struct{ step, over string }{{"https", https}, {"https2", https2}} {
		name := secure.step + "/cpu"
		goRivals := r.best(name, math.Min, func(s server) bool { return s.rival() && !s.nginx })
		front := beside("", "below nginx and this server behind it", own(name), "theirs", r.value(proxied, "https2/cpu"))
		front.ok = own(name) < r.value(proxied, "https2/cpu")
		bars = append(bars, atMost("CPU per delivered event"+secure.over, "at most 1.03 of the best Go rival's", own(name)/goRivals, 1.03), front)
	}
	// Rivals are not measured with few clients and with most: with many they are at their best.
	for _, m := range []struct {
		step, what, rivals string
		kib                float64
	}{
		{"few", few, "many", 3}, {"many", many, "many", 3}, {"most", most, "many", 3},
		{"https", https, "https", 14}, {"https2", https2, "https2", 45},
	} {
		memory := own(m.step + "/memory")
		bars = append(bars,
			atMost("memory per client"+m.what, fmt.Sprintf("at most %v KiB", m.kib), memory, m.kib),
			below("", "below every rival's", memory, rivals(m.rivals+"/memory")))
	}
	// Of those that lose nothing.
	resume := r.best("many-again/resume", math.Min, func(s server) bool { return s.rival() && r.value(s.name, "many-again/lost") == 0 })
	bars = append(bars,
		atMost("the README's app, CPU per delivered event"+many, "at most 1.10 of this server's", r.value(app, "many/cpu")/cpu, 1.10),
		atMost("the README's app, memory per client"+many, "at most 1.10 of this server's", r.value(app, "many/memory")/own("many/memory"), 1.10),
		beside("CPU per connect"+many, "at most bare's", own("many/connect-cpu"), "bare's", r.value(bare, "many/connect-cpu")),
		atMost("CPU per reconnect"+many, "at most 1.20 of bare's", own("many-again/connect-cpu")/r.value(bare, "many-again/connect-cpu"), 1.20),
		atMost("reconnect"+many, "nothing lost or doubled", own("many-again/lost")+own("many-again/doubled"), 0),
		atMost("", "no steady client's event later than 1,000 ms", own("many-again/late"), 1000),
		beside("", "all have resumed no later than with the best rival that loses nothing, ms", own("many-again/resume"), "its", resume),
		atLeast("overload at 100 µs, delivered a second", "at least 25 times the seed's", own("overload/rate")/r.value(seed, "overload/rate"), 25),
		r.overloadBar(),
		atMost("overload, events lost", "0", own("busy/lost")+own("overload/lost"), 0),
		atMost("overload, clients dropped", "0", own("busy/dropped")+own("overload/dropped"), 0),
		below("spread"+many, "below the seed's and every rival's", own("many/spread"), rivals("many/spread")),
		atMost(fmt.Sprintf("growth, %d to %d clients", o.few(), o.most()), "at most 1.15 times the CPU per delivered event", own("most/cpu")/own("few/cpu"), 1.15),
		atMost("", "no more memory per client", own("most/memory")/own("few/memory"), 1),
	)
	return append(append(bars, r.topicBars()...), r.storeBars()...)
}

// overloadBar is the bar beside the best rival under overload. Where that delivers more than a
// twentieth of what is published, all of it is as much as anybody can deliver.
func (r *results) overloadBar() bar {
	rate := r.value(this, "overload/rate")
	published := float64(r.options.few()) / overloadInterval.Seconds()
	b := atLeast("", "at least 20 times the best rival's, or 0.97 of what is published", rate/r.best("overload/rate", math.Max, server.rival), 20)
	b.ok = b.ok || rate >= 0.97*published
	b.value += fmt.Sprintf(", %s of it", format.Number(rate/published))
	return b
}

// bars returns which bars are reached, for the terminal.
func (r *results) bars() string {
	var text strings.Builder
	for figure, b := range named(r.checks()) {
		fmt.Fprintf(&text, "%-8s%s, %s: %s\n", b.verdict(), figure, b.bar, b.value)
	}
	return text.String()
}

// named returns bars with the names of their figures.
func named(bars []bar) iter.Seq2[string, bar] {
	return func(yield func(string, bar) bool) {
		figure := ""
		for _, b := range bars {
			if figure = cmp.Or(b.figure, figure); !yield(figure, b) {
				return
			}
		}
	}
}

func (b bar) verdict() string {
	switch {
	case !b.known:
		return "unknown"
	case b.ok:
		return "yes"
	default:
		return "NO"
	}
}
