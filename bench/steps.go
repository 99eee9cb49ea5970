package main

import (
	"context"
	"errors"
	"time"

	"example.com/sse/bench/load"
)

const (
	// slack is how long beyond its interval an event may take to reach everyone.
	slack = 5 * time.Second

	// clearUp is how long a server has to clear up what connecting its clients has left.
	clearUp = 1200 * time.Millisecond

	// patience is how long clients may take to connect and to get an event while
	// events come as fast as they can.
	patience = 2 * time.Second

	// drain is how long after an overload its last event may come; then it is lost.
	drain = 10 * time.Second

	// overloadInterval is how often an event is published where nobody is to keep up.
	overloadInterval = 100 * time.Microsecond

	// steady is how many clients stay connected while all others reconnect.
	steady = 100
)

var errSilent = errors.New("events stopped coming")

// add connects clients until there are n.
func (r *run) add(ctx context.Context, n int) error {
	began := time.Now()
	err := r.Connect(ctx, n-r.clients, false)
	r.connect += time.Since(began)
	r.clients = n
	return err
}

// wait receives until all clients have an event that comes after now.
func (r *run) wait() bool {
	next := r.Events()
	return r.Until(r.ctx, 2*r.interval+slack, func() bool { return r.anyByAll(next) })
}

// anyByAll reports whether all clients have an event with the given index or a later one: a
// server may lose one to one of them, which is a figure and not the end of the run.
func (r *run) anyByAll(from int) bool {
	for i := from; i < r.Events(); i++ {
		if r.ByAll(i) {
			return true
		}
	}
	return false
}

// untilWholeSecond receives until a second begins, if the events have no IDs: they can be
// told apart from the first full second on.
func (r *run) untilWholeSecond() {
	if r.server.noIDs {
		r.Until(r.ctx, time.Until(time.Now().Truncate(time.Second).Add(time.Second)), func() bool { return false })
	}
}

// calm measures a stretch of time between two pauses of the stream: all events that are sent in it are also received in it.
func (r *run) calm(s step) error {
	connecting, err := r.now()
	if err != nil {
		return err
	}
	more := s.clients - r.clients
	if err := r.add(r.ctx, s.clients); err != nil {
		return err
	}
	connected, err := r.now()
	if err != nil {
		return err
	}
	r.Until(r.ctx, clearUp, func() bool { return false })
	if r.server.noIDs && r.interval < time.Second {
		r.untilWholeSecond()
		if !r.wait() {
			return errSilent
		}
	}
	if !r.Until(r.ctx, 2*r.interval+slack, func() bool { return r.Quiet() > min(r.interval, time.Second)/20 }) {
		return errors.New("events never stop coming")
	}
	before, err := r.now()
	if err != nil {
		return err
	}
	last := before.events + max(2, int(r.duration/r.interval)) - 1
	if !r.Until(r.ctx, r.duration+2*r.interval+slack, func() bool { return r.anyByAll(last) }) {
		return errSilent
	}
	after, err := r.now()
	if err != nil {
		return err
	}
	if err := r.noteMemory(s); err != nil {
		return err
	}
	r.note(s, before, after)
	r.noteConnect(s, more, connecting, connected)
	r.set(s, "rate", float64(s.clients)/r.Interval(before.events, after.events).Seconds())
	r.set(s, "connect", ms(r.connect))
	r.set(s, "lost", float64(r.Counts().Missed-before.Missed))
	return nil
}

// overload measures a stretch of time in which events come as fast as they can.
func (r *run) overload(s step) error {
	// Some servers are too busy to let all clients in.
	in, cancel := context.WithTimeout(r.ctx, patience)
	defer cancel()
	connectErr := r.add(in, s.clients)
	if connectErr != nil && !errors.Is(connectErr, load.ErrNoAnswer) {
		return connectErr
	}
	r.untilWholeSecond()
	next := r.Events()
	r.Until(in, patience, func() bool { return r.ByAll(next) })
	before, err := r.now()
	if err != nil {
		return err
	}
	r.Until(r.ctx, r.duration, func() bool { return false })
	after, err := r.now()
	if err != nil {
		return err
	}
	r.Until(r.ctx, drain, func() bool { return r.Behind(after.events) == 0 })
	r.note(s, before, after)
	// Those that the server dropped before this began count, too.
	r.set(s, "dropped", float64(r.Counts().Dropped))
	r.set(s, "unserved", float64(s.clients-r.Served())-float64(r.Counts().Dropped))
	r.set(s, "rate", float64(after.Delivered-before.Delivered)/after.at.Sub(before.at).Seconds())
	// Events without IDs are known by counting those of a second, which a client that came late has not seen from its begin.
	if connectErr == nil || !r.server.noIDs {
		r.set(s, "lost", float64(r.Counts().Missed-before.Missed+r.Behind(after.events)))
	}
	return nil
}

// reconnect disconnects all clients, and connects them again once they have missed an event.
func (r *run) reconnect(s step) error {
	if err := r.Connect(r.ctx, steady, true); err != nil {
		return err
	}
	r.Disconnect(r.clients)
	before, missed := r.Counts(), r.Events()
	if !r.wait() {
		return errSilent
	}
	connecting, err := r.now()
	if err != nil {
		return err
	}
	began := time.Now()
	if err := r.Reconnect(r.ctx, r.clients); err != nil {
		return err
	}
	r.set(s, "connect", ms(time.Since(began)))
	connected, err := r.now()
	if err != nil {
		return err
	}
	r.noteConnect(s, r.clients, connecting, connected)
	// A client that can't resume gets the next event, and counts as back with it.
	if !r.Until(r.ctx, 2*r.interval+slack, func() bool { return r.anyByAll(missed) }) {
		return errSilent
	}
	r.set(s, "resume", ms(time.Since(began)))
	counts := r.Counts().Sub(before)
	r.set(s, "lost", float64(counts.Missed))
	r.set(s, "doubled", float64(counts.Doubled))
	r.set(s, "dropped", float64(counts.Dropped))
	r.set(s, "late", ms(max(0, r.LongestWait()-r.interval)))
	return nil
}
