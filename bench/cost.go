package main

import (
	"fmt"
	"math"
	"strings"

	"example.com/sse/bench/format"
)

// browsers is how many clients the report says the cost of.
const browsers = 100_000

// A way is how browsers can reach this server.
type way struct {
	title, server, step string
}

// cost returns the report's part about what many browsers take, computed from a client's
// figures.
func (r *results) cost() string {
	var b strings.Builder
	ways := []way{
		{"HTTP/1.1", this, "many"}, {"HTTPS, HTTP/1.1", this, "https"}, {"HTTPS, HTTP/2", this, "https2"},
		{"HTTPS, HTTP/2, nginx in front", proxied, "https2"},
	}
	var titles []string
	for _, w := range ways {
		titles = append(titles, w.title)
	}
	fmt.Fprintf(&b, "\n## What HTTPS costs\n\n%s browsers, an event a second, computed from a client's figures below:\n\n| | %s |\n|---|%s\n",
		format.Thousands(browsers), strings.Join(titles, " | "), strings.Repeat("--:|", len(ways)))
	const gib, second = 1 << 20, 1e6 // of KiB and of µs
	for _, row := range []struct {
		title, figure string
		unit          float64
	}{
		{"memory, GiB", "/memory", gib},
		{"of it nginx", "/memory-nginx", gib},
		{"the kernel's memory, GiB", "/kernel", gib},
		{"cores for the events", "/cpu", second},
		{"of them nginx", "/cpu-nginx", second},
		{"CPU to connect all, s", "/connect-cpu", second},
		{"CPU to reconnect all, s", "-again/connect-cpu", second},
	} {
		var cells []string
		for _, w := range ways {
			cells = append(cells, format.Number(r.value(w.server, w.step+row.figure)*browsers/row.unit))
		}
		fmt.Fprintf(&b, "| %s | %s |\n", row.title, strings.Join(cells, " | "))
	}
	memory := func(server string) float64 { return r.value(server, "https2/memory") * browsers / gib }
	cores := func(server string) float64 { return r.value(server, "https2/cpu") * browsers / second }
	if !math.IsNaN(memory(this) + memory(proxied)) {
		fmt.Fprintf(&b, "\nOver HTTP/2 they take %s GiB and %s cores on this server alone, and with nginx in front %s GiB and %s cores on both together.\n",
			format.Number(memory(this)), format.Number(cores(this)), format.Number(memory(proxied)), format.Number(cores(proxied)))
	}
	return b.String()
}
