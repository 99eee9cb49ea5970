package main

import (
	"time"

	"example.com/sse/bench/load"
	"example.com/sse/bench/machine"
)

// usage is what has been used and received at one time of a run.
type usage struct {
	load.Counts
	at                 time.Time
	server, nginx, own time.Duration // processor time; nginx's is part of the server's
	events             int
}

func (r *run) now() (u usage, err error) {
	u = usage{Counts: r.Counts(), at: time.Now(), own: machine.OwnCPU(), events: r.Events()}
	if u.nginx, err = machine.CPU(r.nginx); err == nil {
		u.server, err = machine.CPU(r.pids)
	}
	return u, err
}

// note notes what a step has shown between two times.
func (r *run) note(s step, before, after usage) {
	counts := after.Counts.Sub(before.Counts)
	wall := after.at.Sub(before.at)
	median, worst := r.Spread(before.events, after.events)
	r.eventCPU = us(after.server-before.server) / float64(counts.Delivered)
	r.set(s, "cpu", r.eventCPU)
	if r.server.name == proxied {
		r.set(s, "cpu-nginx", us(after.nginx-before.nginx)/float64(counts.Delivered))
	}
	r.set(s, "spread", ms(median))
	r.set(s, "worst", ms(worst))
	r.set(s, "doubled", float64(counts.Doubled))
	r.set(s, "dropped", float64(counts.Dropped))
	r.set(s, "cores", float64(after.server-before.server)/float64(wall))
	r.set(s, "load", float64(after.own-before.own)/float64(wall))
}

// noteConnect notes what it cost the server to connect n clients between two times. Events that came meanwhile are
// subtracted at the cost of one, which note has found before.
func (r *run) noteConnect(s step, n int, before, after usage) {
	events := float64(r.Received(before.events, after.events)) * r.eventCPU
	r.set(s, "connect-cpu", (us(after.server-before.server)-events)/float64(n))
}

// noteMemory notes the memory of a client, the server's and the kernel's.
func (r *run) noteMemory(s step) error {
	all, err := machine.Memory(r.pids)
	if err != nil {
		return err
	}
	clients := float64(s.clients)
	r.set(s, "memory", float64(all-r.idle)/clients)
	ends := 2.0 // how many ends a client's connections have, of which one is the client's; behind nginx there are two connections
	if r.server.name == proxied {
		ends = 4
		nginx, err := machine.Memory(r.nginx)
		if err != nil {
			return err
		}
		r.set(s, "memory-nginx", float64(nginx-r.idleNginx)/clients)
	}
	kernel, err := machine.KernelMemory()
	r.set(s, "kernel", (kernel-r.kernel)/clients*(ends-1)/ends)
	return err
}

func (r *run) set(s step, name string, value float64) { r.figures[s.name+"/"+name] = value }

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func us(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
