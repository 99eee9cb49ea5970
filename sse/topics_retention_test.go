package sse

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"unsafe"
	"weak"
)

// A quiet topic's reader resumes exactly although a busy one has turned the window over ten times.
func TestTopicThatIsQuietIsResumedFromExactly(t *testing.T) {
	s := newStill(64 << 10)
	s.add("quiet", "before", 0)
	for i := range keepEvents {
		s.add("quiet", fmt.Sprint(i), 0)
	}
	for range 10 * 64 {
		s.add("busy", "b", 1<<10)
	}
	s.join("1", "quiet").want(t, "0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
	if missed := s.Stats().ResumesIncomplete; missed != 0 {
		t.Errorf("%d resumes are said to be incomplete", missed)
	}
	s.join("0", "quiet").want(t, "0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
	if missed := s.Stats().ResumesIncomplete; missed != 1 {
		t.Errorf("%d resumes are said to be incomplete, want the one that lacks the topic's first event", missed)
	}
	if s.topics.retained > 64<<10 {
		t.Errorf("%d bytes are retained", s.topics.retained)
	}
}

// However many topics there are that have one small event each, half of the bound is the window's.
func TestTopicsThatAreQuietLeaveTheWindowItsHalf(t *testing.T) {
	s := newStill(256 << 10)
	for i := range 10_000 {
		s.add(fmt.Sprint(i), "quiet", 0)
	}
	const cost = 1<<10 + 100 // of an event below, at most
	for i := range 300 {
		s.add("busy", fmt.Sprint(i), 1<<10-eventCost)
	}
	if n := len(s.topics.get("busy").history.index); n < 128<<10/cost-10 || s.topics.retained > 256<<10 {
		t.Errorf("%d events of the busy topic are retained, %d bytes in all", n, s.topics.retained)
	}
	if n := len(s.topics.byName); n < 128<<10/(eventCost+topicCost+50)-10 {
		t.Errorf("%d topics are retained", n)
	}
}

func TestTopicsOfAMillionEventsAreBounded(t *testing.T) {
	n := 1_000_000
	if testing.Short() {
		n = 100_000
	}
	const bound = 64 << 10
	s := newStill(bound)
	for i := range n {
		s.add(fmt.Sprint(i), "x", 0)
	}
	if topics := len(s.topics.byName); topics > bound/(eventCost+topicCost) || topics < bound/(eventCost+topicCost+60) {
		t.Errorf("%d topics are left", topics)
	}
	if s.topics.retained > bound || len(s.topics.window)+len(s.topics.kept) > 3*len(s.topics.byName) {
		t.Errorf("%d bytes, %d and %d arrivals", s.topics.retained, len(s.topics.window), len(s.topics.kept))
	}
}

func TestTopicsNamesCountAgainstTheBound(t *testing.T) {
	const bound = 1 << 20
	s := newStill(bound)
	for i := range 10_000 {
		s.add(fmt.Sprintf("%0*d", maxTopic, i), "x", 0)
	}
	if n := len(s.topics.byName); n > bound/(eventCost+topicCost+maxTopic) {
		t.Errorf("%d topics are retained", n)
	}
}

func TestTopicThatIsGoneIsNotKeptInMemory(t *testing.T) {
	s := newStill(1 << 20)
	for i := range 4000 { // so that some are kept
		s.add(fmt.Sprint(i), "x", 0)
	}
	var topics []weak.Pointer[topic]
	for _, t := range s.topics.byName {
		topics = append(topics, weak.Make(t))
	}
	if len(s.topics.kept) == 0 {
		t.Error("none is kept")
	}
	s.add("large", "x", 1<<20)
	runtime.GC()
	for _, gone := range topics {
		if gone.Value() != nil {
			t.Fatal("a topic whose only event is evicted is still in memory")
		}
	}
	runtime.KeepAlive(s)
}

// A name may be a piece of a request's line, which shall not stay in memory with it.
func TestTopicsNameIsItsOwnMemory(t *testing.T) {
	s := newStill(1 << 20)
	line := strings.Repeat("x", 8<<10)
	gone := weak.Make(unsafe.StringData(line))
	s.add(line[:10], "x", 0)
	line = ""
	runtime.GC()
	if gone.Value() != nil {
		t.Error("the line is still in memory")
	}
	runtime.KeepAlive(s)
}

func TestTopicsAreCountedAsClientsComeAndGo(t *testing.T) {
	s := newStill(1 << 20)
	r := s.join("", "a", "b")
	if n := s.Stats().Topics; n != 2 {
		t.Errorf("%d topics after a client of two has come", n)
	}
	s.unregister(r.client)
	if n := s.Stats().Topics; n != 0 {
		t.Errorf("%d topics after it has left", n)
	}
}
