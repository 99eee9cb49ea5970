package main

import (
	"slices"
	"time"
)

// figures are what a run has shown.
type figures struct {
	interval time.Duration

	connect                          time.Duration // until all were connected
	idle, full                       int           // the servers' memory without and with clients, in KiB
	kernelIdle, kernelFull           float64       // the kernel's
	wall                             time.Duration // measured while nothing happens to the clients
	serversCPU, loadsCPU, natsCPU    time.Duration // in that time
	delivered                        int           // events that clients received of those due in that time
	firstMedian, lagMedian, lagWorst time.Duration // from the time at which such an event was due to its receipt, by the first client and by the last
	leftOut                          int           // ticks that no server published

	killed                      int           // clients of the server that was killed
	back                        bool          // all of them are back
	answeredHalf, answeredLast  time.Duration // from the kill until those were connected again
	receivedHalf, receivedLast  time.Duration // and had an event again
	lost, doubled, disconnected int
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
	f.receivedHalf, f.receivedLast = spread(received)
}

// spread returns the median and the largest.
func spread(d []time.Duration) (median, largest time.Duration) {
	if len(d) == 0 {
		return 0, 0
	}
	slices.Sort(d)
	return d[len(d)/2], d[len(d)-1]
}
