package sse

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"testing"

	"example.com/sse/internal/testkit"
)

// A blockedWriter blocks like a terminal that is stopped with Ctrl-S.
type blockedWriter struct{ blocked, release chan struct{} }

func (w blockedWriter) Write(b []byte) (int, error) {
	select {
	case w.blocked <- struct{}{}:
	default:
	}
	<-w.release
	return len(b), nil
}

func TestBlockedLogDoesNotStopTheStream(t *testing.T) {
	b, server := newServer(t)
	before := open(t, server.URL)
	eventually(t, "registered", func() bool { return b.Stats().Clients == 1 })
	w := blockedWriter{make(chan struct{}, 1), make(chan struct{})}
	logTo(w)
	defer logTo(io.Discard)
	defer close(w.release)
	after := open(t, server.URL)
	testkit.Receive(t, w.blocked, "the log blocks")
	leaving := open(t, server.URL)
	eventually(t, "all registered", func() bool { return b.Stats().Clients == 3 })
	leaving.response.Body.Close()
	eventually(t, "one unregistered", func() bool { return b.Stats().Clients == 2 })
	for id := range int64(10) {
		b.Notifier <- Event{ID: id + 1}
		before.want(t, id+1, "")
		after.want(t, id+1, "")
	}
}

func TestLogSaysWhoComesAndGoes(t *testing.T) {
	var log lockedBuffer
	logTo(&log)
	defer logTo(io.Discard)
	b, server := newServer(t)
	for clients := range int64(3) {
		s := open(t, server.URL)
		eventually(t, "logged", func() bool { return strings.Count(log.String(), "\n") == int(clients)+1 })
		defer s.response.Body.Close()
	}
	shutdown(t, b)
	got := regexp.MustCompile(`(?m)^\[(INFO|WARN)\] \S+ \S+ `).ReplaceAllString(log.String(), "$1 ")
	if want := `INFO Client added. 1 registered clients
INFO Client added. 2 registered clients
INFO Client added. 3 registered clients
WARN Removed client. 2 registered clients
WARN Removed client. 1 registered clients
WARN Removed client. 0 registered clients
`; got != want {
		t.Errorf("the log is\n%s", got)
	}
}

func TestBlockedLogIsBounded(t *testing.T) {
	var log lockedBuffer
	w := blockedWriter{make(chan struct{}, 1), make(chan struct{})}
	logTo(w)
	defer logTo(io.Discard)
	b, server := newServer(t)
	open(t, server.URL)
	testkit.Receive(t, w.blocked, "the log blocks")
	for range maxLogLines {
		open(t, server.URL).response.Body.Close()
	}
	eventually(t, "all but the first have left", func() bool { return b.Stats().ClientsTotal == maxLogLines+1 && b.Stats().Clients == 1 })
	logTo(&log)
	close(w.release)
	eventually(t, "logged", func() bool { return strings.Contains(log.String(), "too many") })
	// The end of the first line, those that waited, and how many more there were.
	if lines := strings.Count(log.String(), "\n"); lines > maxLogLines+2 {
		t.Errorf("%d lines were logged: %s", lines, log.String())
	}
	if want := fmt.Sprintf("%d more clients were added or removed", maxLogLines); !strings.Contains(log.String(), want) {
		t.Errorf("the log does not say %q", want)
	}
}

// A lockedBuffer is a buffer that several goroutines may use.
type lockedBuffer struct {
	mu sync.Mutex // protects buffer
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}
