package main

import (
	"cmp"
	"fmt"
	"time"
)

// heartbeatsFor is how many times as long as events heartbeats are measured: a client's come a second apart, so that a
// short measurement would have one more of some clients than of others.
const heartbeatsFor = 3

// heartbeats measures clients that get heartbeats alone.
func (r *run) heartbeats(s step) error {
	if err := r.silent(s); err != nil {
		return err
	}
	before, err := r.now()
	if err != nil {
		return err
	}
	r.Until(r.ctx, heartbeatsFor*r.duration, func() bool { return false })
	after, err := r.now()
	if err != nil {
		return err
	}
	r.set(s, "silent-cpu", us(after.server-before.server)/float64(s.clients)/after.at.Sub(before.at).Seconds())
	return nil
}

// afterRestart measures clients that miss an event, and then the server is started anew before they connect again.
func (r *run) afterRestart(s step) error {
	if err := r.add(r.ctx, s.clients); err != nil {
		return err
	}
	if err := r.Connect(r.ctx, steady, false); err != nil {
		return err
	}
	if !r.wait() {
		return errSilent
	}
	r.Disconnect(r.clients)
	before, missed := r.Counts(), r.Events()
	if !r.wait() {
		return errSilent
	}
	r.Disconnect(r.clients + steady)
	if err := r.restart(r.ctx); err != nil {
		return err
	}
	began := time.Now()
	err := r.Reconnect(r.ctx, r.clients+steady)
	connected := time.Since(began)
	dropped := func() bool { return r.Counts().Dropped > before.Dropped } // A client that the server has dropped never resumes.
	// A client that can't resume gets the next event, and counts as back with it.
	resumed := err == nil && r.Until(r.ctx, 2*r.interval+slack, func() bool { return dropped() || r.anyByAll(missed) })
	took := time.Since(began)
	resumed = resumed && !dropped() && r.wait() // What else is lost is known from the event after that.
	counts := r.Counts().Sub(before)
	without := r.clients + steady - r.Received(missed, missed+1)
	r.set(s, "lost", max(float64(counts.Missed), float64(without)))
	r.set(s, "doubled", float64(counts.Doubled))
	r.set(s, "dropped", float64(counts.Dropped))
	if dropped() {
		return nil
	}
	if !resumed {
		return cmp.Or(err, errSilent)
	}
	r.set(s, "connect", ms(connected))
	r.set(s, "resume", ms(took))
	return nil
}

// lack measures how late clients get their events while others, a ninth as many, get from the disk what they lack.
func (r *run) lack(s step) error {
	away := max(1, s.clients/9)
	if err := r.add(r.ctx, away); err != nil {
		return err
	}
	if !r.wait() {
		return errSilent
	}
	r.Disconnect(away)
	if err := r.fill(); err != nil {
		return err
	}
	if err := r.Connect(r.ctx, s.clients, true); err != nil {
		return err
	}
	if !r.wait() {
		return errSilent
	}
	before := r.Counts()
	began := time.Now()
	if err := r.Reconnect(r.ctx, away); err != nil {
		return err
	}
	if err := r.caughtUp(began.Add(catchUp)); err != nil {
		return err
	}
	took := time.Since(began)
	if !r.wait() {
		return errSilent
	}
	counts := r.Counts().Sub(before)
	if counts.Delivered < int64(away)*(lackedBytes/lackedEvent) {
		return fmt.Errorf("only %d events have come: nobody can have got what was lacking", counts.Delivered)
	}
	r.set(s, "resume", ms(took))
	r.set(s, "mib", float64(away)*lackedBytes/(1<<20)/took.Seconds())
	r.set(s, "late", ms(max(0, r.LongestWait()-r.interval)))
	r.set(s, "lost", float64(counts.Missed))
	r.set(s, "doubled", float64(counts.Doubled))
	r.set(s, "dropped", float64(counts.Dropped))
	return nil
}

// caughtUp receives until all clients have all events.
func (r *run) caughtUp(limit time.Time) error {
	for r.Behind(r.Events()) > 0 {
		if time.Now().After(limit) || r.ctx.Err() != nil {
			return fmt.Errorf("%d events are lacking after %v", r.Behind(r.Events()), catchUp)
		}
		r.Until(r.ctx, looked, func() bool { return false })
	}
	return nil
}
