package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/sse/bench/load"
	"example.com/sse/bench/machine"
)

// A turn is what a server is started for.
type turn struct {
	protocol           load.Protocol
	interval, duration time.Duration
	steps              []step
	topics             int      // how many topics are published to; 0 means that everybody gets everything
	each               bool     // each of the topics is published to once
	once               bool     // only the first round has this turn
	data               bool     // this project's server and the app keep events on disk
	publishers         int      // how many publish at the same time, each as fast as it can
	flags              []string // more flags for this project's server
}

// A step is one measurement of a turn.
type step struct {
	name    string // begins the names of its figures
	clients int
	measure func(r *run, s step) error
}

// turns returns what a server does in each round. At one index all servers have the same turn, and
// those that take no part in it have one without steps.
func (o options) turns(s server) (turns []turn) {
	add := func(kind string, takesPart bool, t turn) {
		if o.only != "" && o.only != kind {
			return
		}
		if !takesPart {
			t.steps = nil
		}
		turns = append(turns, t)
	}
	add("calm", s.speaks(load.HTTP), turn{protocol: load.HTTP, interval: o.interval, duration: o.duration, steps: []step{
		{"many", o.clients, (*run).calm}, {"many-again", o.clients, (*run).reconnect},
	}})
	for _, secure := range []struct {
		name     string
		protocol load.Protocol
	}{{"https", load.HTTPS}, {"https2", load.HTTPS2}} {
		steps := []step{{secure.name, o.secure(), (*run).calm}}
		if s.name == this || s.name == bare || s.name == proxied { // All would take too long.
			steps = append(steps, step{secure.name + "-again", o.secure(), (*run).reconnect})
		}
		add("https", s.speaks(secure.protocol), turn{protocol: secure.protocol, interval: o.interval / 2, duration: o.duration, steps: steps})
	}
	add("growth", s.name == this, turn{protocol: load.HTTP, interval: o.interval, duration: o.duration, steps: []step{
		{"few", o.few(), (*run).calm}, {"most", o.most(), (*run).calm},
	}})
	add("overload", s.speaks(load.HTTP), turn{protocol: load.HTTP, interval: time.Millisecond, duration: o.duration / 2, steps: []step{{"busy", o.few(), (*run).overload}}})
	add("overload", s.speaks(load.HTTP), turn{protocol: load.HTTP, interval: overloadInterval, duration: o.duration / 2, steps: []step{{"overload", o.few(), (*run).overload}}})
	o.topicTurns(s, add)
	o.storeTurns(s, add)
	return turns
}

// figures are what a turn has shown, by name: the step's, a slash, and the figure's.
type figures map[string]float64

// inBrief are the figures that show progress, and mishaps are those that should be 0, and show it where they are not.
var (
	inBrief = []string{"cpu", "connect-cpu", "rate", "memory", "resume", "publication", "topic", "late", "silent-cpu"}
	mishaps = []string{"lost", "dropped", "doubled", "unserved"}
)

// String is the figures in brief, to show progress.
func (f figures) String() string {
	var parts []string
	for name, value := range f {
		_, figure, _ := strings.Cut(name, "/")
		if slices.Contains(inBrief, figure) || value > 0 && slices.Contains(mishaps, figure) {
			parts = append(parts, fmt.Sprintf("%s %.4g", name, value))
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// A run is a server's turn.
type run struct {
	ctx    context.Context
	server server
	turn
	*process
	*load.Load
	idle      int           // the server's memory without clients, in KiB
	idleNginx int           // nginx's part of it
	kernel    float64       // the kernel's memory without clients, in KiB
	clients   int           // how many are connected so far
	connect   time.Duration // how long connecting them took
	eventCPU  float64       // the server's processor time for an event received in the newest step, in µs
	figures   figures
}

// newLoad returns a load on the server of a run, which has started.
func (b *bench) newLoad(r *run) (*load.Load, error) {
	l, err := load.New(r.addr, r.path, r.protocol, b.certificate.roots)
	if err == nil && r.topics > 0 {
		l.Apart()
	}
	return l, err
}

// warmUp has the server serve one client. What the server reads into memory of its own program meanwhile is part of its
// idle memory then, and of no client's.
func (b *bench) warmUp(r *run) error {
	l, err := b.newLoad(r)
	if err != nil {
		return err
	}
	defer l.Close()
	return l.Connect(r.ctx, 1, true)
}

// do starts the server, measures, and ends it.
func (b *bench) do(r *run) (err error) {
	if r.process, err = b.start(r.ctx, r.server, r.turn); err != nil {
		return err
	}
	defer r.Stop()
	if err := b.warmUp(r); err != nil {
		return err
	}
	if r.idle, err = machine.Memory(r.pids); err != nil {
		return err
	}
	if r.idleNginx, err = machine.Memory(r.nginx); err != nil {
		return err
	}
	if r.kernel, err = machine.KernelMemory(); err != nil {
		return err
	}
	if r.Load, err = b.newLoad(r); err != nil {
		return err
	}
	defer r.Load.Close()
	for _, s := range r.steps {
		if err := s.measure(r, s); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}
