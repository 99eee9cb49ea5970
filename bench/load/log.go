package load

import "slices"

// A log is every event that any client has received, in the order of their keys, which
// rise. It tells what a client missed or got twice from what others got.
type log struct {
	events []logged

	missed  int64 // events that came to others and not to a client that was there before and after
	doubled int64 // events that came to a client again, or after a later one
}

// A logged event says who got it, and when; times are in nanoseconds since the load began.
type logged struct {
	key         int64
	clients     int   // that received it
	first, last int64 // receipt
}

// A position is a client's position in the log.
type position struct {
	joined bool
	start  int // its first event
	at     int // its newest event
}

// receive notes that a client received the event with the given key, and moves its position.
// others are all positions.
func (l *log) receive(p *position, key, now int64, others func(yield func(*position) bool)) {
	i := len(l.events)
	if p.joined {
		i = p.at + 1
	}
	switch {
	case i < len(l.events) && l.events[i].key == key:
		// The client's next event: what almost always happens.
	case i == len(l.events) && (i == 0 || l.events[i-1].key < key):
		l.events = append(l.events, logged{key: key, first: now})
	case p.joined && key <= l.events[p.at].key:
		l.doubled++
		return
	default:
		i = l.find(key, now, others)
	}
	if p.joined {
		l.missed += int64(i - p.at - 1)
	} else {
		p.joined, p.start = true, i
	}
	p.at = i
	e := &l.events[i]
	e.clients++
	e.last = max(e.last, now)
}

// find returns the index of the event with the given key. It inserts it where others are
// already beyond it, who then missed it.
func (l *log) find(key, now int64, others func(yield func(*position) bool)) int {
	i, found := slices.BinarySearchFunc(l.events, key, func(e logged, key int64) int {
		return int(min(max(e.key-key, -1), 1))
	})
	if found {
		return i
	}
	l.events = slices.Insert(l.events, i, logged{key: key, first: now})
	for p := range others {
		if !p.joined {
			continue
		}
		if p.start < i && i <= p.at {
			l.missed++
		}
		if p.start >= i {
			p.start++
		}
		if p.at >= i {
			p.at++
		}
	}
	return i
}
