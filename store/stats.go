package store

import "sync/atomic"

// Stats are a store's figures.
type Stats struct {
	Stored int64 `json:"stored"` // events stored since the start
	Failed int64 `json:"failed"` // events that were refused since the start, since the disk was full or failed
	Events int64 `json:"events"` // events that are retained on disk
	Bytes  int64 `json:"bytes"`  // what these count, as Options.Bytes says

	// Waiting is how many calls of [Store.Publish] wait for the disk.
	Waiting int64 `json:"waiting"`
}

// counts are what Stats returns. Publish counts waiting, and the committer the others.
type counts struct{ stored, failed, events, bytes, waiting atomic.Int64 }

func (c *counts) set(st state) {
	c.events.Store(st.events)
	c.bytes.Store(st.bytes)
}

// Stats returns the store's figures. Each of them is current, but they are not taken at one instant.
func (s *Store) Stats() Stats {
	return Stats{Stored: s.counts.stored.Load(), Failed: s.counts.failed.Load(), Events: s.counts.events.Load(), Bytes: s.counts.bytes.Load(), Waiting: s.counts.waiting.Load()}
}
