package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"example.com/sse/bench/format"
	"example.com/sse/bench/machine"
)

const (
	// patience is how long clients may take to come back, or to get an event.
	patience = time.Minute

	// lookEvery is how often the clients that are to come back are counted.
	lookEvery = 250 * time.Millisecond

	// afterwards is how many events more there are once all clients have come back.
	afterwards = 3
)

// A run measures one interval.
type run struct {
	options
	binaries binaries
	sizes    sizes
	dir      string
	say      func(line string, args ...any)

	*cluster
	loaders []*loader
	figures figures
}

// measured starts all, measures, and ends all.
func (r *run) measured(ctx context.Context) (f *figures, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("it takes longer than %v", limit))
	defer cancel()
	defer func() {
		if err != nil && ctx.Err() != nil {
			err = context.Cause(ctx) // What else went wrong comes of that.
		}
	}()
	if r.cluster, err = r.binaries.start(ctx, r.dir, r.sizes.servers, r.interval); err != nil {
		return nil, err
	}
	defer r.stop()
	r.figures.interval = r.interval
	after, err := r.connect(ctx)
	if err != nil {
		return nil, err
	}
	from, to, err := r.calm(ctx)
	if err != nil {
		return nil, err
	}
	killed, err := r.kill(ctx)
	if err != nil {
		return nil, err
	}
	reports, last, err := r.finish(ctx)
	if err != nil {
		return nil, err
	}
	ticks, err := r.ticks(ctx, after, last)
	if err != nil {
		return nil, err
	}
	r.figures.count(ticks, reports, r.clients)
	r.figures.lags(ticks, reports, from, to)
	r.figures.returns(reports, killed)
	return &r.figures, nil
}

// stop ends the clients and the servers.
func (r *run) stop() {
	for _, l := range r.loaders {
		l.stop()
	}
	r.cluster.stop()
}

// connect connects all clients, and returns the ID of the newest event then: all get those after it.
func (r *run) connect(ctx context.Context) (newest int64, err error) {
	f := &r.figures
	if f.idle, err = machine.Memory(pids(r.servers)); err != nil {
		return 0, err
	}
	if f.kernelIdle, err = machine.KernelMemory(); err != nil {
		return 0, err
	}
	r.say("%s clients connect", format.Thousands(int64(r.clients)))
	began := time.Now()
	for i := range r.sizes.loads {
		n, first := share(r.clients, r.sizes.loads, i)
		l, err := startLoader(ctx, r.addrs, n, first)
		if err != nil {
			return 0, err
		}
		r.loaders = append(r.loaders, l)
	}
	if _, err := r.receive(); err != nil {
		return 0, err
	}
	f.connect = time.Since(began)
	return r.newest(ctx)
}

// ask asks all processes of the load for their reports.
func (r *run) ask(question string) ([]report, error) {
	for _, l := range r.loaders {
		if err := l.ask(question); err != nil {
			return nil, err
		}
	}
	return r.receive()
}

// receive returns the reports of all processes of the load.
func (r *run) receive() (reports []report, err error) {
	for _, l := range r.loaders {
		report, err := l.receive()
		if err != nil {
			return nil, err
		}
		reports = append(reports, report)
	}
	return reports, nil
}

// kill kills a server while it sends an event, and waits until its clients are back. It returns when.
func (r *run) kill(ctx context.Context) (killed time.Time, err error) {
	f := &r.figures
	for client := range r.clients {
		if serverOf(client, 0, len(r.servers)) == 0 {
			f.killed++
		}
	}
	r.sleepInto(ctx, 0.2)
	r.say("a server is killed, with %s clients", format.Thousands(int64(f.killed)))
	killed = time.Now()
	if err := r.servers[0].Signal(syscall.SIGKILL); err != nil {
		return killed, err
	}
	for end := killed.Add(patience); !f.back && time.Now().Before(end); {
		sleep(ctx, lookEvery)
		reports, err := r.ask("")
		if err != nil {
			return killed, err
		}
		returned, open := 0, 0
		for _, report := range reports {
			returned += report.Returned
			open += report.Open
		}
		f.back = returned >= f.killed && open == r.clients
	}
	return killed, ctx.Err()
}

// finish waits until all clients have some events more, and returns the last reports and the ID of the last of those events.
func (r *run) finish(ctx context.Context) (reports []report, last int64, err error) {
	r.say("they are back: %t", r.figures.back)
	sleep(ctx, afterwards*r.interval)
	if last, err = r.newest(ctx); err != nil {
		return nil, 0, err
	}
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if reports, err = r.ask(askForReturns); err != nil {
			return nil, 0, err
		}
		if received(reports)[last].clients >= r.clients {
			break
		}
		sleep(ctx, lookEvery)
	}
	if len(reports) == 0 {
		return nil, 0, errors.New("no reports")
	}
	return reports, last, ctx.Err()
}

// sleepInto sleeps until a part of an interval between two ticks is over.
func (r *run) sleepInto(ctx context.Context, part float64) {
	now := time.Now()
	at := now.UnixNano() - now.UnixNano()%int64(r.interval) + int64(part*float64(r.interval))
	if at < now.UnixNano() {
		at += int64(r.interval)
	}
	sleep(ctx, time.Unix(0, at).Sub(now))
}

// sleep sleeps, unless ctx ends before.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
