package store

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"example.com/sse/sse"
)

// A model is the simplest thing that is right: a list of all events that ever were, and what is retained found anew
// for each event.
type model struct {
	max      int64
	born     int64
	events   []*modelEvent // all, in their order
	retained []*modelEvent
	window   int64 // the ID of the window's first event
	gone     bool  // a topic that had lost an event has retained nothing
}

type modelEvent struct {
	sse.Event
	evicted bool
}

func (m *model) add(e sse.Event) {
	added := &modelEvent{Event: e}
	m.events = append(m.events, added)
	m.retained = append(m.retained, added)
	for {
		m.evict(func(e *modelEvent) bool { return e.ID < m.window && !m.isLast(e) })
		i := slices.IndexFunc(m.retained, func(e *modelEvent) bool { return e.ID >= m.window })
		switch {
		case total(m.retained) <= m.max || len(m.retained) == 1:
			m.lookForGone()
			return
		case total(m.retained[:i]) > m.max/2 || i == len(m.retained)-1:
			oldest := m.retained[0]
			m.evict(func(e *modelEvent) bool { return e == oldest })
		default:
			m.window = m.retained[i].ID + 1
		}
	}
}

// isLast tells whether an event is among its topic's last keepEvents.
func (m *model) isLast(e *modelEvent) bool {
	n := 0
	for _, other := range m.events {
		if other.Topic == e.Topic && other.ID > e.ID {
			n++
		}
	}
	return n < keepEvents
}

func (m *model) evict(which func(*modelEvent) bool) {
	m.retained = slices.DeleteFunc(m.retained, func(e *modelEvent) bool {
		e.evicted = e.evicted || which(e)
		return e.evicted
	})
}

// lookForGone notes whether a topic retains nothing any more.
func (m *model) lookForGone() {
	there := make(map[string]bool)
	for _, e := range m.retained {
		there[e.Topic] = true
	}
	m.gone = m.gone || slices.ContainsFunc(m.events, func(e *modelEvent) bool { return !there[e.Topic] })
}

// total returns what events cost.
func total(events []*modelEvent) (sum int64) {
	for _, e := range events {
		sum += int64(eventCost + 2*len(e.Topic) + len(e.Name) + len(e.Data))
	}
	return sum
}

// read returns what the archive has of topics after an ID, and whether that is all there was.
func (m *model) read(topics []string, after int64) (complete bool, want []sse.Event) {
	complete = after >= m.born
	for _, e := range m.events {
		switch {
		case e.ID <= after || !slices.Contains(topics, e.Topic):
		case e.evicted:
			complete = false
		default:
			want = append(want, e.Event)
		}
	}
	return complete, want
}

// compare checks a store's state against the model.
func (m *model) compare(st state) error {
	i := slices.IndexFunc(m.retained, func(e *modelEvent) bool { return e.ID >= m.window })
	i = max(i, 0)
	want := state{born: m.born, last: m.born, window: m.window, events: int64(len(m.retained)), windowEvents: int64(len(m.retained) - i),
		bytes: total(m.retained), keptBytes: total(m.retained[:i]), evicted: st.evicted, forgotten: st.forgotten}
	if len(m.events) > 0 {
		want.last = m.events[len(m.events)-1].ID
	}
	if st != want {
		return fmt.Errorf("the state is %+v, want %+v", st, want)
	}
	return nil
}

func same(a, b sse.Event) bool {
	return a.ID == b.ID && a.Topic == b.Topic && a.Name == b.Name && string(a.Data) == string(b.Data)
}

func TestModel(t *testing.T) {
	for seed := range uint64(40) {
		if err := runModel(t, seed); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

// runModel does to a store and to a model what happens to a store: events are published in batches, the store is
// opened again, and clients read.
func runModel(t *testing.T, seed uint64) error {
	random := rand.New(rand.NewPCG(seed, 0))
	bound := int64([]int{1, 3_000, 20_000, 100_000}[seed%4])
	sizes := []int{1, 200, 3 * partLen}[random.IntN(3)]
	topics := make([]string, 1+random.IntN(60))
	for i := range topics[1:] {
		topics[i+1] = strings.Repeat("t", 1+random.IntN(3)) + fmt.Sprint("/", i)
	}
	// Some topics are busy, and most are quiet.
	topic := func() string { return topics[random.IntN(1+random.IntN(len(topics)))] }
	dir := t.TempDir()
	s := openStore(t, dir, bound)
	s.db.NoSync = true
	m := &model{max: bound, born: s.state.born, window: s.state.born}
	for step := range 60 {
		switch random.IntN(12) {
		case 0:
			if err := s.Close(); err != nil {
				return err
			}
			s = openStore(t, dir, bound)
			s.db.NoSync = true
			continue
		case 1, 2, 3:
			asked := append([]string{"never"}, topics...)
			random.Shuffle(len(asked), func(i, j int) { asked[i], asked[j] = asked[j], asked[i] })
			asked = asked[:1+random.IntN(1+random.IntN(len(asked)))]
			after := m.born + int64(random.IntN(3)) - 1
			if n := len(m.events); n > 0 && random.IntN(4) > 0 {
				after = m.events[n-1-random.IntN(1+random.IntN(n))].ID - int64(random.IntN(2))
			}
			complete, got := readAll(t, s, after, asked...)
			wantComplete, want := m.read(asked, after)
			if complete != wantComplete && (complete || !m.gone) {
				return fmt.Errorf("step %d: %v after %d is complete: %t", step, asked, after, complete)
			}
			if !slices.EqualFunc(got, want, same) {
				return fmt.Errorf("step %d: %v after %d are %v, want %v", step, asked, after, ids(got), ids(want))
			}
		default:
			var batch []*publication
			for range 1 + random.IntN(30) {
				e := sse.Event{Topic: topic(), Data: []byte(strings.Repeat(fmt.Sprint(random.IntN(10)), random.IntN(sizes)))}
				if random.IntN(4) == 0 {
					e.Name = "alert"
				}
				batch = append(batch, &publication{e, make(chan error, 1)})
			}
			s.commit(batch)
			for _, p := range batch {
				if err := <-p.result; err != nil {
					return err
				}
				m.add(p.event)
			}
			if err := m.compare(s.state); err != nil {
				return fmt.Errorf("step %d: %w", step, err)
			}
		}
	}
	complete, got := readAll(t, s, m.born, topics...)
	wantComplete, want := m.read(topics, m.born)
	if complete && !wantComplete || !slices.EqualFunc(got, want, same) {
		return fmt.Errorf("at the end %v, want %v", ids(got), ids(want))
	}
	return nil
}

func ids(events []sse.Event) (ids []int64) {
	for _, e := range events {
		ids = append(ids, e.ID)
	}
	return ids
}
