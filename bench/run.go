package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/sse/bench/load"
)

// A turn is what a server is started for.
type turn struct {
	interval, duration time.Duration
	steps              []step
}

// A step is one measurement of a turn.
type step struct {
	name    string // begins the names of its figures
	clients int
	measure func(r *run, s step) error
}

// turns returns what a server does in each round.
func (o options) turns(s server) (turns []turn) {
	if o.only == "" || o.only == "calm" {
		turns = append(turns, turn{o.interval, o.duration, []step{
			{"few", o.few(), (*run).calm}, {"many", o.clients, (*run).calm}, {"reconnect", o.clients, (*run).reconnect},
		}})
	}
	if s.name == this && (o.only == "" || o.only == "growth") {
		turns = append(turns, turn{o.interval, o.duration, []step{{"most", o.most(), (*run).calm}}})
	}
	if o.only == "" || o.only == "overload" {
		turns = append(turns,
			turn{time.Millisecond, o.duration / 2, []step{{"busy", o.few(), (*run).overload}}},
			turn{100 * time.Microsecond, o.duration / 2, []step{{"overload", o.few(), (*run).overload}}})
	}
	return turns
}

// figures are what a turn has shown, by name: the step's, a slash, and the figure's.
type figures map[string]float64

// String is the figures in brief, to show progress.
func (f figures) String() string {
	var parts []string
	for name, value := range f {
		if strings.HasSuffix(name, "/cpu") || strings.HasSuffix(name, "/rate") || strings.HasSuffix(name, "/memory") || strings.HasSuffix(name, "/resume") ||
			value > 0 && (strings.HasSuffix(name, "/lost") || strings.HasSuffix(name, "/dropped") || strings.HasSuffix(name, "/doubled") || strings.HasSuffix(name, "/unserved")) {
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
	idle    int           // the server's memory without clients, in KiB
	clients int           // connected so far
	connect time.Duration // that took
	figures figures
}

// do starts the server, measures, and ends it.
func (r *run) do(binary string) (err error) {
	if r.process, err = start(r.ctx, r.server, binary, r.interval); err != nil {
		return err
	}
	defer r.stop()
	if r.idle, err = r.memory(); err != nil {
		return err
	}
	if r.Load, err = load.New(r.addr, r.server.path); err != nil {
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
