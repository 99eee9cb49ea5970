package sse

import (
	"slices"
	"time"
)

const (
	// keepEvents is how many of a topic's last events are kept longer than the rest: a busy topic
	// pushes the events of all others out of the window, but not these.
	keepEvents = 10

	// eventCost and topicCost are what an event and a topic that retains one take beside the event's
	// bytes and the topic's name: entries, the unused ends of buffers, the map. They count against [Options.History], so that
	// a million topics of tiny events can't exceed it.
	eventCost, topicCost = 64, 300
)

// A retention decides which events of all topics are retained. These are the window, which is the last
// events of all topics, and what is kept: of the events that have left the window those that are still
// among their topic's last keepEvents, in at most half of the bound. The last event is always
// retained, however large it is. What is evicted of a topic is always its oldest event.
type retention struct {
	max        int64     // bounds all that is retained, in bytes
	window     []arrival // the last events, oldest first
	kept       []arrival // what has left the window and was not evicted then, oldest first
	retained   int64     // what all topics retain, in bytes
	added      int64     // what all events took that ever came, in bytes
	keptBytes  int64     // what the kept events take, with the overhead of their topics
	keptEvents int       // how many events are kept; kept may be longer, by events that were evicted since
}

// An arrival says which event has come.
type arrival struct {
	topic *topic
	seq   int64
	came  time.Duration // when, since the broker began
}

// isKept tells whether an event of kept is still retained.
func (a arrival) isKept() bool { return a.topic.kept > 0 && a.topic.history.index[0].seq <= a.seq }

// cost returns what an event of a topic's index takes.
func (t *topic) cost(i int) int64 { return t.history.size(i) + eventCost }

// overhead returns what a topic that retains an event takes without its events.
func (t *topic) overhead() int64 { return topicCost + int64(len(t.name)) }

// retain takes note of the newest event, which is the topic's last, and evicts what there is no more
// room for. It calls emptied for each topic that then retains nothing.
func (r *retention) retain(t *topic, emptied func(*topic)) {
	last := len(t.history.index) - 1
	cost := t.cost(last)
	if last == 0 {
		cost += t.overhead()
	}
	r.retained += cost
	r.added += cost
	r.window = append(r.window, arrival{topic: t, seq: t.history.index[last].seq})
	if t.kept > 0 && last+1 > keepEvents {
		r.evict(t, emptied) // The new event has pushed the topic's oldest event, a kept one, out of its last keepEvents.
	}
	for r.retained > r.max {
		switch {
		case r.keptBytes > r.max/2 || len(r.window) == 1 && len(r.kept) > 0:
			// Too much is kept, or the window has only the newest event, which always stays.
			if oldest := takeOldest(&r.kept); oldest.isKept() {
				r.evict(oldest.topic, emptied)
			}
		case len(r.window) > 1:
			r.shrinkWindow(emptied)
		default:
			return
		}
	}
}

// cameNow takes note of when the newest event has come.
func (r *retention) cameNow(now time.Duration) { r.window[len(r.window)-1].came = now }

// oldest returns when the oldest retained event came. It is called only where one is retained.
func (r *retention) oldest() time.Duration {
	for len(r.kept) > 0 && !r.kept[0].isKept() {
		takeOldest(&r.kept)
	}
	if len(r.kept) > 0 { // What is kept came before the window.
		return r.kept[0].came
	}
	return r.window[0].came
}

// takeOldest takes the oldest arrival off a list, and clears its slot, which would keep its topic in memory.
func takeOldest(list *[]arrival) arrival {
	oldest := (*list)[0]
	(*list)[0] = arrival{}
	*list = (*list)[1:]
	return oldest
}

// shrinkWindow takes the oldest event out of the window, and evicts it unless it is kept.
func (r *retention) shrinkWindow(emptied func(*topic)) {
	oldest := takeOldest(&r.window)
	t := oldest.topic
	// The event is its topic's oldest in the window. Where the window has more than keepEvents of the topic, none of the topic's
	// events is kept, since a kept one is among its topic's last keepEvents. So this is the topic's oldest event, which evict takes.
	if len(t.history.index)-t.kept > keepEvents {
		r.evict(t, emptied)
		return
	}
	if t.kept == 0 {
		r.keptBytes += t.overhead()
	}
	r.keptBytes += t.cost(t.kept)
	t.kept++
	r.keptEvents++
	r.kept = append(r.kept, oldest)
	// Each pass drops more than half of the list. The 64 spares a short list a pass for each few events.
	if len(r.kept) > 2*r.keptEvents+64 {
		r.kept = slices.DeleteFunc(r.kept, func(a arrival) bool { return !a.isKept() })
	}
}

// evict evicts a topic's oldest event.
func (r *retention) evict(t *topic, emptied func(*topic)) {
	cost := t.cost(0)
	if t.kept > 0 {
		t.kept--
		r.keptEvents--
		r.keptBytes -= cost
		if t.kept == 0 {
			r.keptBytes -= t.overhead()
		}
	}
	r.retained -= cost
	t.history.evict()
	if len(t.history.index) == 0 {
		r.retained -= t.overhead()
		emptied(t)
	}
}
