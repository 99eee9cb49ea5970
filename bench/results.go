package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"example.com/sse/bench/format"
)

// results are the figures of all rounds.
type results struct {
	options  options
	began    time.Time
	took     time.Duration
	servers  []server
	versions map[string]string               // by server
	figures  map[string]map[string][]float64 // by server and name
}

// add notes what a turn has shown.
func (r *results) add(s server, f figures) {
	if r.figures[s.name] == nil {
		r.figures[s.name] = make(map[string][]float64)
	}
	for name, value := range f {
		r.figures[s.name][name] = append(r.figures[s.name][name], value)
	}
}

// value returns a server's figure: the median of the rounds, but of what must never happen the
// worst. It is NaN where there is none.
func (r *results) value(server, name string) float64 {
	values := slices.Sorted(slices.Values(r.figures[server][name]))
	if len(values) == 0 {
		return math.NaN()
	}
	switch name[strings.IndexByte(name, '/')+1:] {
	case "lost", "doubled", "dropped", "unserved", "worst", "late":
		return values[len(values)-1]
	}
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}

// A row is one figure of all servers.
type row struct {
	name  string
	title string
	ratio bool // ratios of it mean something
}

// A section is the rows of one step.
type section struct {
	title string
	rows  []row
}

// sections returns what the table shows.
func (r *results) sections() []section {
	o := r.options
	calm := func(step string, clients int, over string, interval time.Duration) section {
		return section{fmt.Sprintf("%d clients%s, an event each %v", clients, over, interval), []row{
			{step + "/rate", "delivered a second", true},
			{step + "/cpu", "CPU per delivered event, µs", true},
			{step + "/cpu-nginx", "of it nginx", false},
			{step + "/memory", "memory per client, KiB", true},
			{step + "/memory-nginx", "of it nginx", false},
			{step + "/kernel", "the kernel's memory per client, KiB", false},
			{step + "/spread", "spread, ms", true},
			{step + "/worst", "spread, worst, ms", true},
			{step + "/connect", "connect all, ms", true},
			{step + "/connect-cpu", "CPU per connect, µs", true},
			{step + "/lost", "events lost", false},
			{step + "/dropped", "clients dropped", false},
		}}
	}
	again := func(step string, clients int, over string) section {
		return section{fmt.Sprintf("%d clients%s reconnect after an event", clients, over), []row{
			{step + "/connect", "connect all, ms", true},
			{step + "/connect-cpu", "CPU per reconnect, µs", true},
			{step + "/resume", "all have resumed, ms", true},
			{step + "/lost", "events lost", false},
			{step + "/doubled", "events doubled", false},
			{step + "/dropped", "clients dropped", false},
			{step + "/late", "latest event of a steady client, ms", true},
		}}
	}
	overload := func(step string, interval time.Duration) section {
		return section{fmt.Sprintf("%d clients, an event each %v", o.few(), interval), []row{
			{step + "/rate", "delivered a second", true},
			{step + "/cpu", "CPU per delivered event, µs", true},
			{step + "/spread", "spread, ms", true},
			{step + "/worst", "spread, worst, ms", true},
			{step + "/lost", "events lost", false},
			{step + "/dropped", "clients dropped", false},
			{step + "/unserved", "clients that got nothing", false},
		}}
	}
	const https, https2 = " over HTTPS, HTTP/1.1", " over HTTPS, HTTP/2"
	return append([]section{
		calm("many", o.clients, "", o.interval),
		again("many-again", o.clients, ""),
		calm("https", o.secure(), https, o.interval/2),
		again("https-again", o.secure(), https),
		calm("https2", o.secure(), https2, o.interval/2),
		again("https2-again", o.secure(), https2),
		calm("few", o.few(), "", o.interval),
		calm("most", o.most(), "", o.interval),
		overload("busy", time.Millisecond),
		overload("overload", 100*time.Microsecond),
	}, append(r.topicSections(), r.storeSections()...)...)
}

// table returns all figures as a table: plain, or in Markdown with each one's ratio to the
// seed's program and to the limit.
func (r *results) table(markdown bool) string {
	var b strings.Builder
	for _, section := range r.sections() {
		servers := r.having(section)
		if len(servers) == 0 {
			continue
		}
		var names []string
		for _, s := range servers {
			names = append(names, s.name)
		}
		w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
		if markdown {
			fmt.Fprintf(&b, "\n### %s\n\n| | %s |\n|---|%s\n", section.title, strings.Join(names, " | "), strings.Repeat("--:|", len(names)))
		} else {
			fmt.Fprintf(w, "%s\t%s\t\n", section.title, strings.Join(names, "\t"))
		}
		for _, row := range section.rows {
			cells, any := r.cells(row, servers, markdown)
			switch {
			case !any:
			case markdown:
				fmt.Fprintf(&b, "| %s | %s |\n", row.title, strings.Join(cells, " | "))
			default:
				fmt.Fprintf(w, "%s\t%s\t\n", row.title, strings.Join(cells, "\t"))
			}
		}
		w.Flush()
	}
	return b.String()
}

// having returns the servers that have any figure of a section.
func (r *results) having(section section) (servers []server) {
	for _, s := range r.servers {
		if slices.ContainsFunc(section.rows, func(row row) bool { return !math.IsNaN(r.value(s.name, row.name)) }) {
			servers = append(servers, s)
		}
	}
	return servers
}

// cells returns one figure of some servers, and whether any has it.
func (r *results) cells(row row, servers []server, ratios bool) (cells []string, any bool) {
	for _, s := range servers {
		value := r.value(s.name, row.name)
		cell := format.Number(value)
		if ratios && row.ratio && !math.IsNaN(value) {
			var to []string
			for _, other := range []string{seed, limit} {
				if v := r.value(other, row.name); !math.IsNaN(v) {
					to = append(to, format.Number(value/v))
				}
			}
			if len(to) > 0 {
				cell += " (" + strings.Join(to, ", ") + ")"
			}
		}
		cells = append(cells, cell)
		any = any || !math.IsNaN(value)
	}
	return cells, any
}
