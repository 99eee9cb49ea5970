package sse

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"example.com/sse/internal/testkit"
)

// A topicsLife is a still broker's life at random beside the model's.
type topicsLife struct {
	still
	model   *topicsModel
	noise   *rand.Rand
	sizes   []int // of the events' payloads
	readers []*lifeReader
}

func newTopicsLife(seed uint64) *topicsLife {
	noise := rand.New(rand.NewPCG(seed, 0))
	bound, sizes := 3000+noise.IntN(9000), []int{0, 10, 40, 90, 600}
	if noise.IntN(8) == 0 { // events that are not copied as they are merged, and such as are written in parts
		bound, sizes = 400<<10, []int{0, 1000, mergeSize / 2, mergeSize, 2 * mergeSize, maxPart + 1000}
	}
	l := &topicsLife{newStill(bound), newTopicsModel(bound), noise, sizes, nil}
	if noise.IntN(10) == 0 { // a topic of the other lane
		for range clientsPerWriter + 5 {
			l.add(&lifeReader{reader: l.join("", "t0"), topics: []string{"t0"}, placed: true})
		}
	}
	return l
}

func (l *topicsLife) add(r *lifeReader) { l.readers = append(l.readers, r) }

// topic returns a topic at random, some of which are busy.
func (l *topicsLife) topic() string {
	n := l.noise.IntN(1 + l.noise.IntN(14))
	if n == 1 {
		return ""
	}
	return fmt.Sprint("t", n)
}

// publish publishes an event to both.
func (l *topicsLife) publish() {
	e := Event{ID: l.topics.lastID + 1 + l.noise.Int64N(3), Topic: l.topic(), Data: l.model.payload(l.sizes[l.noise.IntN(len(l.sizes))])}
	switch l.noise.IntN(100) {
	case 0:
		e.Data = l.model.payload(int(l.model.max))
	case 1, 2: // The source restarts its numbering.
		e.ID = l.topics.lastID - l.noise.Int64N(40)
	}
	if e.ID == 0 {
		e.ID = 1
	}
	l.addAndFanOut(e)
	l.model.add(e)
	for _, r := range l.readers {
		if r.placed && slices.Contains(r.topics, e.Topic) {
			r.want = append(r.want, l.model.last().seq)
		}
	}
}

func (l *topicsLife) connect() {
	var topics []string
	for range []int{0, 1, 1, 1, 1, 2, 2, 5, 20}[l.noise.IntN(9)] {
		if name := l.topic(); !slices.Contains(topics, name) {
			topics = append(topics, name)
		}
	}
	r := &lifeReader{lastEventID: l.lastEventID(), topics: topics}
	if r.lastEventID == "" && l.noise.IntN(2) == 0 {
		r.last = 1 + l.noise.IntN(15)
		r.reader = l.joinAt(&beginning{last: r.last}, topics...)
	} else {
		r.reader = l.join(r.lastEventID, topics...)
	}
	l.add(r)
}

// step does one thing at random.
func (l *topicsLife) step() error {
	incomplete := l.Stats().ResumesIncomplete
	switch n := l.noise.IntN(20); {
	case n < 10 || len(l.model.events) == 0:
		l.publish()
	case n < 12:
		l.connect()
	case n < 13 && len(l.readers) > 0:
		i := l.noise.IntN(len(l.readers))
		l.unregister(l.readers[i].client)
		l.readers = slices.Delete(l.readers, i, i+1)
	case n < 14:
		if l.held = l.noise.IntN(2) == 0; l.noise.IntN(4) == 0 {
			l.numbered.Store(l.held)
		}
		l.fanOutAll()
	case n < 16:
		l.round(l.noise.IntN(2), l.noise.IntN(3) == 0)
	case n < 17:
		l.keepAlive()
	default:
		for range 3 {
			if len(l.readers) > 0 {
				l.readers[l.noise.IntN(len(l.readers))].read(1 + l.noise.IntN(3))
			}
		}
	}
	err := errors.Join(l.place(incomplete), l.check())
	l.model.noteGone(l.subscribed()) // Clients have left.
	return err
}

// subscribed returns the topics that have clients.
func (l *topicsLife) subscribed() map[string]bool {
	subscribed := make(map[string]bool)
	for _, r := range l.readers {
		for _, name := range r.topics {
			subscribed[name] = true
		}
	}
	return subscribed
}

// place takes note of the clients that have been placed in this step.
func (l *topicsLife) place(incomplete int64) error {
	exact := !l.model.gone
	subscribed := l.subscribed()
	l.model.noteGone(subscribed) // Events were evicted, before these clients were placed.
	for _, r := range l.readers {
		if r.client.placed && !r.placed {
			r.placed = true
			var complete bool
			r.want, complete = l.model.begin(r.lastEventID, r.last, r.topics)
			if !complete {
				incomplete++
			}
			if r.mayHaveGap = complete; r.lastEventID != "" && (!complete || l.model.gone) {
				r.wantGap = &testkit.Gap{LastEventID: r.lastEventID}
				if len(r.want) > 0 {
					r.wantGap.First = l.model.events[r.want[0]-1].id
				}
			}
		}
	}
	if err := l.model.compare(&l.topics, subscribed); err != nil {
		return err
	}
	if got := l.Stats().ResumesIncomplete; got < incomplete || got > incomplete && exact && !l.model.gone {
		return fmt.Errorf("%d resumes are incomplete, want %d", got, incomplete)
	}
	return nil
}

// check checks one client, and all that were cut off.
func (l *topicsLife) check() error {
	one := l.noise.IntN(len(l.readers) + 1)
	for i := len(l.readers) - 1; i >= 0; i-- {
		r := l.readers[i]
		if !r.cut && i != one {
			continue
		}
		if !r.cut && l.noise.IntN(3) == 0 {
			r.readAll()
		}
		if r.cut { // What its writer had picked up comes.
			for !r.writing.isEmpty() {
				r.read(1)
			}
		}
		if err := l.compare(r); err != nil {
			return err
		}
		if r.cut {
			l.unregister(r.client)
			l.readers = slices.Delete(l.readers, i, i+1)
		}
	}
	return nil
}

func TestTopicsModel(t *testing.T) {
	rounds := 1000
	if testing.Short() {
		rounds = 200
	}
	for range rounds {
		seed := rand.Uint64()
		l := newTopicsLife(seed)
		for step := range 50 + l.noise.IntN(200) {
			if err := l.step(); err != nil {
				t.Fatalf("seed %d, step %d: %v", seed, step, err)
			}
		}
		if err := l.end(); err != nil {
			t.Fatalf("seed %d, at the end: %v", seed, err)
		}
	}
}

// end has all clients get everything and leave.
func (l *topicsLife) end() error {
	l.held = false
	l.numbered.Store(false)
	incomplete := l.Stats().ResumesIncomplete
	l.round(few, false)
	l.round(many, false)
	l.fanOutAll()
	if err := l.place(incomplete); err != nil {
		return err
	}
	for _, r := range l.readers {
		r.readAll()
		if err := l.compare(r); err != nil {
			return err
		}
		l.unregister(r.client)
	}
	l.readers = nil
	return l.model.compare(&l.topics, nil)
}
