package main

import (
	"context"
	"time"

	"example.com/sse/bench/machine"
)

// clearUp is how long servers have to clear up what connecting clients has left.
const clearUp = 1200 * time.Millisecond

// usage is the processor time taken at one time.
type usage struct {
	at                   time.Time
	servers, loads, nats time.Duration
}

// calm measures what clients cost while nothing happens to them, between two times in the middle of an interval.
func (r *run) calm(ctx context.Context) (from, to time.Time, err error) {
	r.say("they are connected, and %v are measured", r.duration)
	sleep(ctx, clearUp)
	r.sleepInto(ctx, 0.9)
	before, err := r.usage()
	if err != nil {
		return from, to, err
	}
	sleep(ctx, r.duration.Truncate(r.interval))
	after, err := r.usage()
	if err != nil {
		return from, to, err
	}
	f := &r.figures
	f.wall = after.at.Sub(before.at)
	f.serversCPU, f.loadsCPU, f.natsCPU = after.servers-before.servers, after.loads-before.loads, after.nats-before.nats
	if f.full, err = machine.Memory(pids(r.servers)); err != nil {
		return from, to, err
	}
	f.kernelFull, err = machine.KernelMemory()
	return before.at, after.at, err
}

func (r *run) usage() (u usage, err error) {
	var loads []int
	for _, l := range r.loaders {
		loads = append(loads, l.pid())
	}
	u.at = time.Now()
	if u.servers, err = machine.CPU(pids(r.servers)); err != nil {
		return u, err
	}
	if u.loads, err = machine.CPU(loads); err != nil {
		return u, err
	}
	u.nats, err = machine.CPU([]int{r.nats.Pid()})
	return u, err
}
