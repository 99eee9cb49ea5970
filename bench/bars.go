package main

import (
	"fmt"
	"math"
	"strings"
)

// A bar is what the server must reach.
type bar struct {
	figure, bar string
	value       string
	ok, known   bool
}

// checks holds the server's figures against the bars.
func (r *results) checks() []bar {
	best := func(name string, better func(a, b float64) float64) float64 {
		value := math.NaN()
		for _, s := range r.servers {
			if v := r.value(s.name, name); s.rival() && !math.IsNaN(v) {
				if math.IsNaN(value) {
					value = v
				}
				value = better(value, v)
			}
		}
		return value
	}
	own := func(name string) float64 { return r.value(this, name) }
	atMost := func(figure, text string, value, bound float64) bar {
		return bar{figure, text, number(value), value <= bound, !math.IsNaN(value) && !math.IsNaN(bound)}
	}
	atLeast := func(figure, text string, value, bound float64) bar {
		b := atMost(figure, text, -value, -bound)
		b.value = number(value)
		return b
	}
	below := func(figure, text string, value, rivals float64) bar {
		b := atMost(figure, text, value, math.Nextafter(rivals, 0))
		b.value += ", the best rival's " + number(rivals)
		return b
	}
	cpu, memory := own("many/cpu"), own("many/memory")
	many := fmt.Sprintf(", %d clients", r.options.clients)
	return []bar{
		atMost("CPU per delivered event"+many, "at most 0.75 of the seed's", cpu/r.value(seed, "many/cpu"), 0.75),
		below("", "below every rival's", cpu, best("many/cpu", math.Min)),
		atMost("", "at most 1.35 of the limit's", cpu/r.value(limit, "many/cpu"), 1.35),
		atMost("memory per client"+many, "at most 8 KiB", memory, 8),
		below("", "below every rival's", memory, best("many/memory", math.Min)),
		atLeast("overload at 100 µs, delivered a second", "at least 25 times the seed's", own("overload/rate")/r.value(seed, "overload/rate"), 25),
		atLeast("", "at least 20 times the best rival's", own("overload/rate")/best("overload/rate", math.Max), 20),
		atMost("overload, events lost", "0", own("busy/lost")+own("overload/lost"), 0),
		atMost("overload, clients dropped", "0", own("busy/dropped")+own("overload/dropped"), 0),
		below("spread"+many, "below the seed's and every rival's", own("many/spread"), best("many/spread", math.Min)),
		atMost("reconnect"+many, "nothing lost or doubled", own("reconnect/lost")+own("reconnect/doubled"), 0),
		atMost("", "no steady client's event later than 1,000 ms", own("reconnect/late"), 1000),
		atMost("growth, CPU per delivered event", "at most 1.33 times", own("most/cpu")/own("few/cpu"), 4.0/3),
		atMost("growth, memory per client", "at most 1.33 times", own("most/memory")/own("few/memory"), 4.0/3),
	}
}

// bars returns which bars are reached, for the terminal.
func (r *results) bars() string {
	var b strings.Builder
	figure := ""
	for _, c := range r.checks() {
		if c.figure != "" {
			figure = c.figure
		}
		fmt.Fprintf(&b, "%-8s%s, %s: %s\n", c.verdict(), figure, c.bar, c.value)
	}
	return b.String()
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
