package sse

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sse/internal/testkit"
)

// quiet logs nothing.
var quiet = SlogLogger(slog.New(slog.DiscardHandler))

// An archiveLife is a broker's life at random, with an archive behind a tiny history, and users that come, read, stall,
// leave and return, while events come, and the archive fails.
type archiveLife struct {
	*Broker
	archive *sliceArchive
	sizes   []int // of the events' payloads
	done    chan struct{}

	mu        sync.Mutex // protects what follows
	noise     *rand.Rand
	published []Event
	errs      []error
}

func newArchiveLife(seed uint64) *archiveLife {
	noise := rand.New(rand.NewPCG(seed, 0))
	l := &archiveLife{
		archive: &sliceArchive{keeps: among(noise, 0, 0, 0, 5, 30, 100)},
		sizes:   among(noise, []int{0, 10, 100}, []int{0, 100, 1000}, []int{10, 10_000, maxPart, 2 * maxPart}),
		done:    make(chan struct{}),
		noise:   noise,
	}
	if pause := among(noise, 0, 0, 1, 100, 2000); pause > 0 {
		l.archive.pause = func() time.Duration { return time.Duration(l.random(pause)) * time.Millisecond }
	}
	if among(noise, 0, 0, 1) == 1 {
		l.archive.fails = func() bool { return l.random(40) == 0 }
	}
	l.Broker = newArchivedBroker(Options{History: 500 + noise.IntN(3000), Heartbeat: among(noise, 4*time.Second, DefaultHeartbeat), Log: quiet}, l.archive)
	l.replays.max = among(noise, 1, 2, maxReplays)
	return l
}

func (l *archiveLife) random(n int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.noise.IntN(n)
}

// publish stores an event, and then gives it to the broker.
func (l *archiveLife) publish(t *testing.T, topic string) {
	e := Event{ID: 1 + int64(l.random(3)), Topic: topic, Data: []byte(strings.Repeat("x", l.sizes[l.random(len(l.sizes))]))}
	l.mu.Lock()
	if n := len(l.published); n > 0 {
		e.ID += l.published[n-1].ID
	}
	l.published = append(l.published, e)
	l.mu.Unlock()
	l.archive.add(e)
	if err := l.Publish(t.Context(), e); err != nil {
		t.Error(err)
	}
}

// add has a user come in a moment, with the ID of an event that was published then, or the one after.
func (l *archiveLife) add() *archiveUser {
	noise := l.noise
	u := &archiveUser{
		life:  l,
		pause: among(noise, 0, 0, time.Millisecond, 100*time.Millisecond, 3*time.Second, 40*time.Second),
		stays: among(noise, forever, forever, 5*time.Second, 30*time.Second),
		left:  make(chan struct{}),
	}
	for _, name := range among(noise, []string{"", "a", "busy", "quiet", "never"}, []string{"quiet"}) {
		if noise.IntN(2) == 0 {
			u.topics = append(u.topics, name)
		}
	}
	comes := time.Duration(noise.IntN(2000)) * time.Millisecond
	go func() {
		defer close(u.left)
		time.Sleep(comes)
		l.mu.Lock()
		last := l.published[len(l.published)-1].ID
		u.lastEventID = min(l.published[noise.IntN(len(l.published))].ID+int64(noise.IntN(2)), last)
		l.mu.Unlock()
		for again := true; again; time.Sleep(time.Second) {
			again = u.connect(l.Broker, l.done)
			l.mu.Lock()
			if err := u.parse(l.published, l.archive.keeps == 0); err != nil {
				l.errs = append(l.errs, fmt.Errorf("a user of %q: %w", u.topics, err))
				again = false
			}
			l.mu.Unlock()
		}
	}()
	return u
}

// live lives, and returns what was wrong.
func (l *archiveLife) live(t *testing.T) error {
	topics := []string{"", "a", "busy", "busy", "busy"}
	l.publish(t, "quiet")
	l.publish(t, "quiet")
	for range l.random(60) {
		l.publish(t, topics[l.random(len(topics))])
	}
	var users []*archiveUser
	for range 1 + l.random(8) {
		users = append(users, l.add())
	}
	pause := 1000 / []int{1, 20, 500}[l.random(3)]
	for range l.random(100) {
		l.publish(t, topics[l.random(len(topics))])
		time.Sleep(time.Duration(l.random(pause)) * time.Millisecond)
	}
	start := time.Now()
	for _, u := range users {
		for !u.hasAll() {
			if time.Sleep(time.Second); time.Since(start) > 3*time.Hour {
				l.errs = append(l.errs, fmt.Errorf("a user of %q got %v, and not the last", u.topics, u.got))
				break
			}
		}
	}
	close(l.done)
	for _, u := range users {
		<-u.left
	}
	l.Shutdown(t.Context())
	synctest.Wait()
	if _, open, most := l.archive.figures(); open != 0 || most > l.replays.max {
		l.errs = append(l.errs, fmt.Errorf("%d sequences are read after the end, and %d were at once, at most %d", open, most, l.replays.max))
	}
	return errors.Join(l.errs...)
}

func TestArchiveModel(t *testing.T) {
	rounds := 2000
	switch {
	case testing.Short():
		rounds = 50
	case os.Getenv(testkit.MistakeVariable) == "": // With the race detector a round takes ten times as long.
		rounds = 200
	}
	for range rounds {
		seed := rand.Uint64()
		synctest.Test(t, func(t *testing.T) {
			if err := newArchiveLife(seed).live(t); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		})
	}
}
