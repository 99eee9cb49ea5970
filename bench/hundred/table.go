package main

import (
	"fmt"
	"strings"
	"time"

	"example.com/sse/bench/format"
	"example.com/sse/bench/machine"
)

// table returns the figures in Markdown, a column for each interval.
func table(o options, s sizes, all []*figures) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Made by `make bench-100k` on %s: %s. %s clients over HTTP/1.1 in %d processes, at %d servers on one NATS.\n\n",
		time.Now().UTC().Format("2006-01-02"), machine.Description(), format.Thousands(int64(o.clients)), s.loads, s.servers)
	b.WriteString("| an event each |")
	for _, f := range all {
		fmt.Fprintf(&b, " %v |", f.interval)
	}
	b.WriteString("\n| --- |" + strings.Repeat(" --: |", len(all)) + "\n")
	const mib, gib = 1 << 10, 1 << 20 // of KiB
	clients, servers := float64(o.clients), float64(s.servers)
	for _, row := range []struct {
		title  string
		figure func(f *figures) float64
	}{
		{"clients connected a second", func(f *figures) float64 { return float64(int(clients / f.connect.Seconds())) }},
		{"memory of a server without clients, MiB", func(f *figures) float64 { return float64(f.idle) / servers / mib }},
		{"memory of a server with its clients, MiB", func(f *figures) float64 { return float64(f.full) / servers / mib }},
		{"memory of a client, KiB", func(f *figures) float64 { return float64(f.full-f.idle) / clients }},
		// Half of it is the clients' own ends of their connections.
		{"the kernel's memory of a client, KiB", func(f *figures) float64 { return (f.kernelFull - f.kernelIdle) / clients / 2 }},
		{"memory of all servers, GiB", func(f *figures) float64 { return float64(f.full) / gib }},
		{"the kernel's memory for it, GiB", func(f *figures) float64 { return (f.kernelFull - f.kernelIdle) / 2 / gib }},
		{"CPU an event to a client, µs", func(f *figures) float64 {
			return float64(f.serversCPU) / float64(time.Microsecond) / float64(f.delivered)
		}},
		{"cores of all servers", func(f *figures) float64 { return cores(f.serversCPU, f.wall) }},
		{"cores of NATS", func(f *figures) float64 { return cores(f.natsCPU, f.wall) }},
		{"cores of the load", func(f *figures) float64 { return cores(f.loadsCPU, f.wall) }},
		{"from an event's time to its first client, median, ms", func(f *figures) float64 { return ms(f.firstMedian) }},
		{"from an event's time to its last client, median, ms", func(f *figures) float64 { return ms(f.lagMedian) }},
		{"from an event's time to its last client, worst, ms", func(f *figures) float64 { return ms(f.lagWorst) }},
		{"ticks that no server published", func(f *figures) float64 { return float64(f.leftOut) }},
		{"clients of the server that is killed", func(f *figures) float64 { return float64(f.killed) }},
		{"half of them are connected again after, s", func(f *figures) float64 { return f.answeredHalf.Seconds() }},
		{"all of them are connected again after, s", func(f *figures) float64 { return f.answeredLast.Seconds() }},
		{"all of them have an event again after, s", func(f *figures) float64 { return f.receivedLast.Seconds() }},
		{"connections of others lost", func(f *figures) float64 { return float64(f.disconnected) }},
		{"events lost", func(f *figures) float64 { return float64(f.lost) }},
		{"events doubled", func(f *figures) float64 { return float64(f.doubled) }},
	} {
		fmt.Fprintf(&b, "| %s |", row.title)
		for _, f := range all {
			fmt.Fprintf(&b, " %s |", format.Number(row.figure(f)))
		}
		b.WriteString("\n")
	}
	return b.String()
}

func cores(cpu, wall time.Duration) float64 { return float64(cpu) / float64(wall) }

// ms returns a time in milliseconds, of which a part says nothing.
func ms(d time.Duration) float64 { return float64(d.Milliseconds()) }
