package main

import (
	"syscall"
	"time"

	"example.com/sse/bench/load"
)

// usage is a moment in a run.
type usage struct {
	load.Counts
	at          time.Time
	server, own time.Duration // processor time
	events      int
}

func (r *run) now() (u usage, err error) {
	u = usage{Counts: r.Counts(), at: time.Now(), own: ownCPU(), events: r.Events()}
	u.server, err = r.cpu()
	return u, err
}

// ownCPU returns the processor time that this process has taken.
func ownCPU() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// note notes what a step has shown between two moments.
func (r *run) note(s step, before, after usage) {
	counts := after.Counts.Sub(before.Counts)
	wall := after.at.Sub(before.at)
	median, worst := r.Spread(before.events, after.events)
	r.set(s, "cpu", float64(after.server-before.server)/float64(time.Microsecond)/float64(counts.Delivered))
	r.set(s, "spread", ms(median))
	r.set(s, "worst", ms(worst))
	r.set(s, "doubled", float64(counts.Doubled))
	r.set(s, "dropped", float64(counts.Dropped))
	r.set(s, "cores", float64(after.server-before.server)/float64(wall))
	r.set(s, "load", float64(after.own-before.own)/float64(wall))
}

func (r *run) set(s step, name string, value float64) { r.figures[s.name+"/"+name] = value }

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
