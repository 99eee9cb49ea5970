package sse

import "sync/atomic"

// Stats are a broker's figures since it began.
type Stats struct {
	Clients       int64 `json:"clients"`        // registered now
	ClientsEver   int64 `json:"clients_ever"`   // registered since the broker began
	Events        int64 `json:"events"`         // taken from Notifier
	Dropped       int64 `json:"dropped"`        // clients cut off because they did not read
	Resumes       int64 `json:"resumes"`        // clients that came with a last event ID
	ResumesMissed int64 `json:"resumes_missed"` // of these, asked for more than was held
}

// stats is Stats as listen counts it.
type stats struct {
	clients, clientsEver, events, dropped, resumes, resumesMissed atomic.Int64
}

// Stats returns the broker's figures, each of them current.
func (b *Broker) Stats() Stats {
	return Stats{
		Clients:       b.stats.clients.Load(),
		ClientsEver:   b.stats.clientsEver.Load(),
		Events:        b.stats.events.Load(),
		Dropped:       b.stats.dropped.Load(),
		Resumes:       b.stats.resumes.Load(),
		ResumesMissed: b.stats.resumesMissed.Load(),
	}
}
