package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"example.com/sse/bench/load"
	"example.com/sse/bench/rivals/demo"
)

const (
	// publishToken is what authorizes publications over HTTP.
	publishToken = "a-token-of-the-benchmark"

	// lackedBytes is what each client that was away lacks, and lackedEvent is the size of one event of it.
	lackedBytes, lackedEvent = 4 << 20, 1 << 10

	// fillers is how many publishers store what others lack.
	fillers = 64

	// catchUp is how long all that were away may take to get what they lack, and looked how often that is looked at: it takes
	// a look at each client.
	catchUp, looked = 5 * time.Minute, 50 * time.Millisecond

	// littleHistory is how many bytes a server retains in memory that is to read from disk.
	littleHistory = 64 << 10
)

// publishers are how many publish at the same time.
var publishers = []int{1, 16, 256}

// storeTurns adds the turns with events on disk.
func (o options) storeTurns(s server, add func(kind string, takesPart bool, t turn)) {
	turns := func(takesPart, data bool, t turn) {
		t.protocol, t.duration, t.data = load.HTTP, o.duration, data
		add("store", takesPart, t)
	}
	for _, n := range publishers {
		turns(s.name == this || s.name == app, true, turn{interval: time.Hour, publishers: n, steps: []step{{storedBy(n), 0, (*run).stored}}})
	}
	// Side by side, so that what else this machine does weighs on both alike.
	for _, t := range []turn{
		{interval: o.interval, steps: []step{{"", o.clients, (*run).calm}}},
		{interval: time.Hour, flags: []string{"-heartbeat", "1s"}, steps: []step{{"-silent", o.clients, (*run).heartbeats}}},
	} {
		of := t.steps[0]
		for _, kept := range []string{"memory", "disk"} {
			t.steps = []step{{kept + of.name, of.clients, of.measure}}
			turns(s.name == this, kept == "disk", t)
		}
	}
	turns(s.name == this || s.name == gosse || s.name == "nchan", true, turn{interval: o.interval, steps: []step{{"restart", o.clients, (*run).afterRestart}}})
	turns(s.name == this, true, turn{interval: o.interval, flags: []string{"-history", strconv.Itoa(littleHistory)}, steps: []step{{"lack", o.clients, (*run).lack}}})
}

func storedBy(publishers int) string { return fmt.Sprintf("stored-%d", publishers) }

// dataOf returns the directory of a server's events.
func dataOf(binary string) string { return binary + ".data" }

// storeFlags returns the flags with which a server keeps its events on disk and lets this program publish, and what else
// a turn gives this project's server.
func storeFlags(s server, t turn, binary string) (flags []string, err error) {
	if s.name != this && s.name != app {
		return nil, nil
	}
	if t.data {
		os.RemoveAll(dataOf(binary)) // that of its last turn
		flags = append(flags, "-data", dataOf(binary))
	}
	if t.publishers > 0 && s.name == app {
		os.Remove(timingsOf(binary)) // those of its last turn
		flags = append(flags, "-publishers", strconv.Itoa(t.publishers), "-timings", timingsOf(binary))
	}
	if s.name == this && t.data {
		token := binary + ".token"
		if err := os.WriteFile(token, []byte(publishToken+"\n"), 0o600); err != nil {
			return nil, err
		}
		flags = append(flags, "-publish-token-file", token)
	}
	return append(flags, t.flags...), nil
}

// stored measures publications that return when the event is on disk: over HTTP, or where the server publishes in
// its process by a call.
func (r *run) stored(s step) error {
	measure := r.post
	if r.server.name == app {
		measure = r.call
	}
	took, before, after, err := measure()
	if err != nil {
		return err
	}
	if len(took) == 0 {
		return errSilent
	}
	wall := after.at.Sub(before.at)
	r.set(s, "rate", float64(len(took))/wall.Seconds())
	r.set(s, "cpu", us(after.server-before.server)/float64(len(took)))
	r.set(s, "load", float64(after.own-before.own)/float64(wall))
	r.notePublications(s, took)
	r.set(s, "worst", ms(took[len(took)-1])) // They are sorted now.
	return nil
}

// post publishes over HTTP.
func (r *run) post() (took []time.Duration, before, after usage, err error) {
	for _, over := range []time.Duration{settled, r.duration} { // The first is not measured.
		if before, err = r.now(); err != nil {
			break
		}
		end := before.at.Add(over)
		took, err = r.posts(r.publishers, demo.Payload(before.at), func() bool { return r.ctx.Err() == nil && time.Now().Before(end) })
		if err != nil {
			break
		}
		after, err = r.now()
	}
	return took, before, after, err
}

// posts publishes over HTTP from several goroutines, each over a connection of its own, as long as there are to be more.
func (r *run) posts(publishers int, payload []byte, more func() bool) (took []time.Duration, err error) {
	var mu sync.Mutex // held to write to took and err
	var publishing sync.WaitGroup
	for range publishers {
		publishing.Go(func() {
			own, failure := r.postAll(payload, more)
			mu.Lock()
			defer mu.Unlock()
			took = append(took, own...)
			if failure != nil {
				err = failure
			}
		})
	}
	publishing.Wait()
	return took, err
}

func (r *run) postAll(payload []byte, more func() bool) (took []time.Duration, err error) {
	poster, err := demo.NewPoster(r.addr.String(), false)
	if err != nil {
		return nil, err
	}
	defer poster.Close()
	poster.Token = publishToken
	for more() {
		began := time.Now()
		if _, err := poster.Post("/events", payload); err != nil {
			return nil, err
		}
		took = append(took, time.Since(began))
	}
	return took, nil
}

// call has the server publish in its process.
func (r *run) call() (took []time.Duration, before, after usage, err error) {
	timings, err := r.timings()
	if err != nil {
		return nil, before, after, err
	}
	defer timings.Close()
	if err := r.toggle(); err != nil {
		return nil, before, after, err
	}
	r.Until(r.ctx, settled, func() bool { return false })
	read := timings.Count()
	if before, err = r.now(); err != nil {
		return nil, before, after, err
	}
	r.Until(r.ctx, r.duration, func() bool { // often, since only the last ones are there
		n := timings.Count()
		took = append(took, timings.Between(read, n)...)
		read = n
		return false
	})
	if after, err = r.now(); err == nil {
		err = r.toggle()
	}
	return took, before, after, err
}

// fill stores what clients are to lack.
func (r *run) fill() error {
	var n atomic.Int64
	_, err := r.posts(fillers, []byte(strings.Repeat("x", lackedEvent)), func() bool { return n.Add(1) <= lackedBytes/lackedEvent })
	return err
}
