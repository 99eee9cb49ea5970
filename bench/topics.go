package main

import (
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"

	"example.com/sse/bench/load"
	"example.com/sse/bench/machine"
	"example.com/sse/bench/rivals/demo"
)

const (
	// topicInterval is how often an event is published to one of the topics.
	topicInterval = 500 * time.Microsecond

	// fewTopics is how many clients, with a topic each, the many are compared with.
	fewTopics = 10

	// settled is how long a server has been publishing to topics when the measurement begins.
	settled = 500 * time.Millisecond

	// topicDrain is how long after the last publication its event may come; then it is lost.
	topicDrain = 5 * time.Second

	// publishAll is how long publishing to each topic once may take.
	publishAll = time.Minute
)

// unwatched is the number of topics that nobody subscribes to.
func (o options) unwatched() int { return max(2, o.clients*100_000/9000) }

// topicTurns adds the turns with topics.
func (o options) topicTurns(s server, add func(kind string, takesPart bool, t turn)) {
	topics := func(takesPart bool, t turn) {
		t.protocol, t.interval, t.duration = load.HTTP, topicInterval, o.duration
		add("topics", takesPart, t)
	}
	topics(s.topics > 0, turn{topics: o.most(), steps: []step{{"topics", o.most(), (*run).addressed}}})
	topics(s.topics > 0, turn{topics: fewTopics, steps: []step{{"ten", fewTopics, (*run).addressed}}})
	topics(s.topics >= hundred, turn{once: true, topics: o.few() * hundred, steps: []step{{"hundred", o.few(), (*run).addressed}}})
	topics(s.topics > 0 && s.name != limit, turn{once: true, topics: o.unwatched(), each: true, steps: []step{{"nobody", 0, (*run).unwatched}}})
	// What a client of the default topic takes, as silent as those: without a topic of its own.
	add("topics", s.name == app, turn{protocol: load.HTTP, interval: time.Hour, duration: o.duration, steps: []step{{"default", o.most(), (*run).silent}}})
}

// path returns the path and query of a client's stream: clients have equally many topics, and
// each topic one client.
func (r *run) path(client int, lastID string) string {
	if r.topics == 0 {
		return r.server.stream(nil, lastID)
	}
	each := r.topics / max(1, r.steps[0].clients)
	if r.each {
		each = 1
	}
	var topics []string
	for n := range each {
		topics = append(topics, demo.Topic(client*each+n))
	}
	return r.server.stream(topics, lastID)
}

// timingsOf returns the name of the file of a server's timings.
func timingsOf(binary string) string { return binary + ".timings" }

// timings opens those of the server's publications.
func (r *run) timings() (demo.Timings, error) { return demo.OpenTimings(timingsOf(r.Args()[0])) }

// toggle has the server begin to publish to its topics, or end.
func (r *run) toggle() error { return r.Signal(syscall.SIGUSR1) }

// silent measures the memory of clients that get no event.
func (r *run) silent(s step) error {
	if err := r.add(r.ctx, s.clients); err != nil {
		return err
	}
	r.Until(r.ctx, clearUp, func() bool { return false })
	r.set(s, "connect", ms(r.connect))
	return r.noteMemory(s)
}

// addressed measures clients with topics of their own: first while they are silent, and then a stretch of time
// in which events go to topics at random.
func (r *run) addressed(s step) error {
	if err := r.silent(s); err != nil {
		return err
	}
	timings, err := r.timings()
	if err != nil {
		return err
	}
	defer timings.Close()
	if err := r.toggle(); err != nil {
		return err
	}
	r.Until(r.ctx, settled, func() bool { return false })
	before, err := r.now()
	if err != nil {
		return err
	}
	published := timings.Count()
	r.Until(r.ctx, r.duration, func() bool { return false })
	after, err := r.now()
	if err != nil {
		return err
	}
	took := timings.Between(published, timings.Count())
	if err := r.toggle(); err != nil {
		return err
	}
	if len(took) == 0 || after.Delivered == before.Delivered {
		return errSilent
	}
	delivered := func() bool { return r.Counts().Delivered == int64(timings.Count()) }
	// A publication may be under way still, so that all are delivered twice.
	for range 2 {
		r.Until(r.ctx, topicDrain, delivered)
		r.Until(r.ctx, slack/100, func() bool { return false })
	}
	r.note(s, before, after)
	r.set(s, "rate", float64(after.Delivered-before.Delivered)/after.at.Sub(before.at).Seconds())
	r.set(s, "published", float64(len(took))/after.at.Sub(before.at).Seconds())
	r.notePublications(s, took)
	lost := int64(timings.Count()) - r.Counts().Delivered
	r.set(s, "lost", float64(max(0, lost)))
	r.set(s, "doubled", float64(max(0, -lost)))
	return nil
}

// notePublications notes how long publications took the publisher.
func (r *run) notePublications(s step, took []time.Duration) {
	slices.Sort(took)
	var sum time.Duration
	for _, d := range took {
		sum += d
	}
	r.set(s, "publication", us(took[len(took)/2]))
	r.set(s, "publication-mean", us(sum)/float64(len(took)))
}

// unwatched measures topics that each retain an event and have no client.
func (r *run) unwatched(s step) error {
	timings, err := r.timings()
	if err != nil {
		return err
	}
	defer timings.Close()
	resident := func(published int) (kib int, err error) {
		if err := r.toggle(); err != nil {
			return 0, err
		}
		if !r.Until(r.ctx, publishAll, func() bool { return timings.Count() >= published }) {
			return 0, fmt.Errorf("only %d of %d events could be published in %v", timings.Count(), published, publishAll)
		}
		r.Until(r.ctx, clearUp, func() bool { return false })
		return machine.Memory(r.pids)
	}
	before, err := resident(1) // what the first publication takes is no topic's
	if err != nil {
		return err
	}
	after, err := resident(r.topics)
	if err != nil {
		return err
	}
	r.set(s, "topic", float64(after-before)*1024/float64(r.topics-1)-eventBytes())
	r.notePublications(s, timings.Between(1, r.topics))
	if r.server.name != app {
		return nil
	}
	// The oldest event of all is still there.
	l, err := load.New(r.addr, func(int, string) string { return r.path(0, "") + "&lastEventId=0" }, r.protocol, nil)
	if err != nil {
		return err
	}
	defer l.Close()
	if err := l.Connect(r.ctx, 1, false); err != nil {
		return err
	}
	if !l.Until(r.ctx, slack, func() bool { return l.Counts().Delivered == 1 }) {
		return errors.New("an event is no longer retained")
	}
	return nil
}

// eventBytes returns how many bytes an event takes on the wire.
func eventBytes() float64 {
	return float64(len(fmt.Sprintf("id: %d\ndata: %s\n\n", time.Now().UnixMicro(), demo.Payload(time.Now()))))
}
