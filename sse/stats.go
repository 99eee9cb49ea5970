package sse

import "sync/atomic"

// Stats are a broker's figures since it began. The zero value is a new broker's.
type Stats struct {
	Clients           int64 `json:"clients"`            // clients registered now
	ClientsTotal      int64 `json:"clients_total"`      // clients registered since the broker began
	Events            int64 `json:"events"`             // events taken from Notifier and Publish
	SlowClients       int64 `json:"slow_clients"`       // clients cut off because they did not read
	Resumes           int64 `json:"resumes"`            // clients that sent a last event ID and were placed after it
	ResumesIncomplete int64 `json:"resumes_incomplete"` // of these, asked for more than was retained
	Topics            int64 `json:"topics"`             // topics that retain an event or have a client
}

// stats is Stats as listen counts it.
type stats struct {
	clients, clientsTotal, events, slowClients, resumes, resumesIncomplete, topics atomic.Int64
}

// Stats returns the broker's figures. Each of them is current, but they are not taken at one
// instant. It is safe for concurrent use, also after [Broker.Shutdown].
func (b *Broker) Stats() Stats {
	return Stats{
		Clients:           b.stats.clients.Load(),
		ClientsTotal:      b.stats.clientsTotal.Load(),
		Events:            b.stats.events.Load(),
		SlowClients:       b.stats.slowClients.Load(),
		Resumes:           b.stats.resumes.Load(),
		ResumesIncomplete: b.stats.resumesIncomplete.Load(),
		Topics:            b.stats.topics.Load(),
	}
}
