package sse

import (
	"strings"

	"example.com/sse/internal/text"
)

// maxTopic is how long a topic may be, in bytes.
const maxTopic = text.MaxTopic

// A topic is the events that were published to it, and who gets them. It is there as long as it
// retains an event or has a subscription. The default topic has the empty name.
type topic struct {
	name          string
	history       history
	subscriptions []*subscription
	restarts      int  // how many of topics.restarts its history knows of; get brings that up to date
	kept          int  // how many of its events, the oldest, have left the window of all topics' last events ([retention])
	unsent        bool // an event of it waits to be fanned out: it is among the topics of its lane
}

// A subscription is a client's place in a topic's history.
type subscription struct {
	topic      *topic
	client     *client
	index      int   // in the topic's subscriptions
	start, end int64 // the range that was last made pending; empty where the client has been sent all
	run        int   // the range's index in the runs of the client's pending merge, or noRun; unused by a client's only subscription
	fresh      bool  // it is in the client's several.fresh
}

// noRun is the run of a subscription of which nothing is pending.
const noRun = -1

// evicted tells whether the history has evicted the next event.
func (s *subscription) evicted() bool { return s.start < s.end && s.start < s.topic.history.start() }

// topics are all topics, and their one numbering. All events have one order, that of their arrival. As long
// as the source does not restart its numbering, the IDs of the events have that order, too. The topics are owned by the
// broker's loop. The zero value is not usable: see newTopics.
type topics struct {
	byName map[string]*topic

	seq           int64 // how many events there were
	firstID       int64 // of the first event since the numbering was last restarted
	lastID        int64 // of the newest event; 0 before the first
	restarts      int   // how often the source has restarted its numbering
	beforeRestart int64 // the last ID before the last restart; 0 before the first
	forgottenID   int64 // of the newest event that was evicted from a topic which is gone since
	gapID         int64 // of the newest event that may be missing in any topic; noneLost where none is

	retention
}

func newTopics(max int) topics {
	return topics{byName: make(map[string]*topic), forgottenID: noneLost, gapID: noneLost, retention: retention{max: int64(max)}}
}

// get returns a topic, and creates it where there is none.
func (ts *topics) get(name string) *topic {
	t := ts.byName[name]
	if t == nil {
		// The name is a copy: it may be a piece of a request's long line.
		name = strings.Clone(name)
		t = &topic{name: name, restarts: ts.restarts}
		// A topic of that name may have been forgotten after it had lost events up to forgottenID.
		t.history.lastLostID = ts.forgottenID
		ts.byName[name] = t
	}
	if t.restarts != ts.restarts {
		t.restarts = ts.restarts
		t.history.restartNumbering()
	}
	return t
}

// forget removes a topic that nobody subscribes to and that retains nothing.
func (ts *topics) forget(t *topic) {
	if len(t.subscriptions) > 0 || len(t.history.index) > 0 {
		return
	}
	delete(ts.byName, t.name)
	if t.restarts == ts.restarts {
		ts.forgottenID = max(ts.forgottenID, t.history.lastLostID)
	}
}

// add appends an event that has its ID to its topic's history, evicts what there is no more
// room for, and returns the topic. An ID that does not rise means that the source restarts its numbering.
func (ts *topics) add(e Event) *topic {
	if ts.seq > 0 && e.ID <= ts.lastID {
		ts.restarts++
		ts.beforeRestart, ts.forgottenID, ts.gapID = ts.lastID, noneLost, noneLost
		ts.firstID = e.ID
	}
	if ts.seq == 0 {
		ts.firstID = e.ID
	}
	ts.lastID = e.ID
	ts.seq++
	t := ts.get(e.Topic)
	switch e.Gap {
	case TopicGap:
		t.history.lastLostID = max(t.history.lastLostID, e.ID-1)
	case AnyGap:
		ts.gapID = e.ID - 1
	}
	t.history.add(e, ts.seq)
	ts.retain(t, ts.forget)
	return t
}

// after returns the position of a topic's first event after the given ID, which may be that of any
// topic's event, and whether nothing between the two is missing. A client with an ID that can't be placed, because
// the ID is older than the first event or was never given out, gets all that can be resumed from: an event twice
// is better than an event never.
func (ts *topics) after(t *topic, id int64) (position int64, complete bool) {
	h := &ts.get(t.name).history // get, since t may not know of the last restart yet
	// Is the ID one of the current numbering, or the one just before the broker's first? The latter was given out elsewhere, by
	// an earlier run say: no ID lies between the two, so no event is missing there.
	if ts.seq > 0 && (ts.firstID <= id || ts.restarts == 0 && id == ts.firstID-1) && id <= ts.lastID {
		position, complete = h.after(id)
		return position, complete && id >= ts.gapID
	}
	// A client that names the last event before the restart has all events of the old numbering. So its resume is complete
	// if no event of the new numbering is missing. Before the first restart this is the client that names 0, and has no event.
	return h.firstResumablePosition(), id == ts.beforeRestart && h.lastLostID == noneLost && ts.gapID == noneLost
}

// subscribe subscribes a client to topics, each of which is named once.
func (ts *topics) subscribe(c *client, names []string) {
	c.subscriptions = c.single[:min(len(names), 1)]
	if len(names) > 1 {
		c.subscriptions = make([]subscription, len(names))
		c.several = new(several)
	}
	for i, name := range names {
		t := ts.get(name)
		c.subscriptions[i] = subscription{topic: t, client: c, index: len(t.subscriptions), run: noRun}
		t.subscriptions = append(t.subscriptions, &c.subscriptions[i])
	}
}

// unsubscribe removes a client from its topics.
func (ts *topics) unsubscribe(c *client) {
	for i := range c.subscriptions {
		s := &c.subscriptions[i]
		t := s.topic
		last := len(t.subscriptions) - 1
		t.subscriptions[s.index] = t.subscriptions[last]
		t.subscriptions[s.index].index = s.index
		t.subscriptions[last] = nil
		t.subscriptions = t.subscriptions[:last]
		if last == 0 {
			t.subscriptions = nil
		}
		ts.forget(t)
	}
	c.subscriptions = nil
}
