package main

import (
	"slices"
	"time"
)

// figures are what a run has shown.
type figures struct {
	interval time.Duration
	connect  time.Duration // how long connecting all clients took

	idle, full             int     // the servers' memory without and with clients, in KiB
	kernelIdle, kernelFull float64 // the kernel's memory without and with clients, in KiB

	// While nothing happens to the clients:
	wall                          time.Duration // how long is measured
	serversCPU, loadsCPU, natsCPU time.Duration // the processor time that they took meanwhile
	delivered                     int           // how often clients received the events that were due then
	firstMedian                   time.Duration // from the time at which such an event was due until its first client had it
	lagMedian, lagWorst           time.Duration // from the time at which such an event was due until its last client had it

	// From the kill of a server on:
	killed                     int           // how many clients it had
	back                       bool          // whether all of them are connected again, and have an event
	answeredHalf, answeredLast time.Duration // from the kill until half of them, and all, were connected again
	receivedLast               time.Duration // from the kill until all of them had an event again
	disconnected               int           // how many connections to other servers ended

	// From the last client's first connection to the end:
	leftOut       int // ticks that no server published
	lost, doubled int // events that a client did not get, or got again
}

// A receipt says how many clients have received an event, and when the first and the last did.
type receipt struct {
	clients     int
	first, last time.Time
}

// received returns the receipts of all processes of the load, by the event's ID.
func received(reports []report) map[int64]receipt {
	all := make(map[int64]receipt)
	for _, report := range reports {
		for _, r := range report.Receipts {
			sum := all[r.Key]
			if sum.clients == 0 || r.First.Before(sum.first) {
				sum.first = r.First
			}
			if r.Last.After(sum.last) {
				sum.last = r.Last
			}
			sum.clients += r.Clients
			all[r.Key] = sum
		}
	}
	return all
}

// count counts what was lost and doubled of events that were to reach all clients.
func (f *figures) count(ticks []tick, reports []report, clients int) {
	all := received(reports)
	for i, t := range ticks {
		f.lost += clients - all[t.id].clients
		if i > 0 {
			f.leftOut += int(t.due.Sub(ticks[i-1].due)/f.interval) - 1
		}
	}
	dropped := 0
	for _, r := range reports {
		f.doubled += int(r.Counts.Doubled)
		dropped += int(r.Counts.Dropped)
	}
	f.disconnected = dropped - f.killed
}

// lags notes how late the events were that were due between two times.
func (f *figures) lags(ticks []tick, reports []report, from, to time.Time) {
	all := received(reports)
	var first, last []time.Duration
	for _, t := range ticks {
		if t.due.After(from) && t.due.Before(to) {
			f.delivered += all[t.id].clients
			first = append(first, all[t.id].first.Sub(t.due))
			last = append(last, all[t.id].last.Sub(t.due))
		}
	}
	f.firstMedian, _ = spread(first)
	f.lagMedian, f.lagWorst = spread(last)
}

// returns notes how long after the kill the clients were back.
func (f *figures) returns(reports []report, killed time.Time) {
	var answered, received []time.Duration
	for _, report := range reports {
		for _, r := range report.Returns {
			answered = append(answered, r.Answered.Sub(killed))
			received = append(received, r.Received.Sub(killed))
		}
	}
	f.answeredHalf, f.answeredLast = spread(answered)
	_, f.receivedLast = spread(received)
}

// spread returns the median and the largest.
func spread(d []time.Duration) (median, largest time.Duration) {
	if len(d) == 0 {
		return 0, 0
	}
	slices.Sort(d)
	return d[len(d)/2], d[len(d)-1]
}
