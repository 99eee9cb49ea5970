package sse

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

func TestIDsRiseFromEventToEventAndAcrossARestart(t *testing.T) {
	var last int64
	for range 3 {
		b, server := newServer(t)
		s := open(t, server.URL)
		eventually(t, "registered", func() bool { return b.Stats().Clients == 1 })
		for range 1000 {
			b.Notifier <- Event{}
		}
		for range 1000 {
			e := s.want(t, 0, "")
			if e.ID <= last {
				t.Fatalf("ID %d after %d", e.ID, last)
			}
			last = e.ID
		}
		if now := time.Now().UnixMicro(); last > now+1000 {
			t.Errorf("ID %d is far from the time %d", last, now)
		}
		shutdown(t, b)
		// A burst of 1,000 events can run ahead of the clock by a millisecond. A restart takes longer.
		eventually(t, "the clock has caught up", func() bool { return time.Now().UnixMicro() > last })
	}
}

func TestIDsRiseWhileTheClockIsBehind(t *testing.T) {
	b, server := newServer(t)
	s := open(t, server.URL, "Last-Event-ID", "0")
	// The last ID is from a clock that has been set back by an hour since.
	ahead := time.Now().Add(time.Hour).UnixMicro()
	b.Notifier <- Event{ID: ahead}
	s.want(t, ahead, "")
	for i := range int64(3) {
		b.Notifier <- Event{}
		s.want(t, ahead+1+i, "")
	}
}

func TestSourceThatRestartsItsNumberingLosesNothing(t *testing.T) {
	b, server := newServer(t)
	s := open(t, server.URL, "Last-Event-ID", "0")
	for _, id := range []int64{100, 200, 5, 6} {
		send(t, b, id)
		s.want(t, id, fmt.Sprint(id))
	}
	resumed := open(t, server.URL, "Last-Event-ID", "200")
	resumed.want(t, 5, "5")
	resumed.want(t, 6, "6")
	if missed := b.Stats().ResumesIncomplete; missed != 0 {
		t.Errorf("%d resumes missed events: none came between 200 and 5", missed)
	}
}

func TestClientThatNeverReadsDelaysNobodyAndIsCutOff(t *testing.T) {
	b, server := newTinyServer(t)
	defer server.Close()
	dialStalled(t, server)
	healthy := open(t, server.URL)
	eventually(t, "both registered", func() bool { return b.Stats().Clients == 2 })
	data := strings.Repeat("x", 64<<10)
	// The history passes the stalled client by, and what its socket can hold.
	for id := int64(1); b.Stats().Clients == 2; id++ {
		if id > 10_000 {
			t.Fatal("the client is not cut off")
		}
		b.Notifier <- Event{ID: id, Data: []byte(data)}
		healthy.want(t, id, data)
	}
	stats := b.Stats()
	if stats.SlowClients != 1 || stats.Clients != 1 {
		t.Errorf("%+v", stats)
	}
	shutdown(t, b)
}

func TestSlowClientGetsEveryEventOnceItReads(t *testing.T) {
	b, server := newTinyServer(t)
	defer server.Close()
	defer shutdown(t, b)
	conn := dialStalled(t, server)
	eventually(t, "registered", func() bool { return b.Stats().Clients == 1 })
	data := strings.Repeat("x", 1<<10)
	const events = 300 // Less than the history retains, more than the sockets hold.
	for id := range int64(events) {
		b.Notifier <- Event{ID: id + 1, Data: []byte(data)}
	}
	slow := readResponse(t, conn)
	for id := range int64(events) {
		slow.want(t, id+1, data)
	}
}

func TestAbruptlyVanishingClientsLeaveNothing(t *testing.T) {
	b, server := newServer(t)
	b.Notifier <- Event{ID: 1}
	startWatcher(t, b, server)
	check := settled(t)
	conns := make([]net.Conn, 300)
	for i := range conns {
		conns[i] = dialStalled(t, server)
	}
	eventually(t, "all registered", func() bool { return b.Stats().Clients == 300 })
	for _, conn := range conns {
		conn.(*net.TCPConn).SetLinger(0) // Reset, not closed.
		conn.Close()
	}
	eventually(t, "all unregistered", func() bool { return b.Stats().Clients == 0 })
	check()
}

func TestShutdownEndsAllStreamsAndCutsOffWhoDoesNotRead(t *testing.T) {
	check := settled(t)
	b, server := newTinyServer(t)
	data := strings.Repeat("x", 64<<10)
	stalled := dialStalled(t, server)
	eventually(t, "the stalled client registered", func() bool { return b.Stats().Clients == 1 })
	for id := range int64(50) {
		b.Notifier <- Event{ID: id + 1, Data: []byte(data)} // The stalled client's socket is full.
	}
	eventually(t, "all events taken", func() bool { return b.Stats().Events == 50 })
	var streams []stream
	for range 50 {
		streams = append(streams, open(t, server.URL))
	}
	eventually(t, "all registered", func() bool { return b.Stats().Clients == 51 })
	b.Notifier <- Event{ID: 51, Data: []byte("the last")}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- b.Shutdown(ctx) }()
	for _, s := range streams {
		s.want(t, 51, "the last")
		s.wantEnd(t)
		s.response.Body.Close()
	}
	eventually(t, "all but the stalled client have left", func() bool { return b.Stats().Clients == 1 })
	cancel()
	err := testkit.Receive(t, done, "Shutdown returns")
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), " 1 ") {
		t.Errorf("Shutdown cut off one client and says %v", err)
	}
	late := open(t, server.URL)
	if late.response.StatusCode != http.StatusOK {
		t.Errorf("a stopped broker answers %s: the client won't come back", late.response.Status)
	}
	late.wantEnd(t)
	late.response.Body.Close()
	stalled.Close()
	server.Close()
	check()
	if err := b.Shutdown(t.Context()); err != nil {
		t.Errorf("a second Shutdown says %v", err)
	}
}

func TestEventsSentBeforeShutdownAreTaken(t *testing.T) {
	for range 100 { // listen may see the events first, or the end.
		b := NewBroker()
		for range 10 {
			b.Notifier <- Event{}
		}
		shutdown(t, b)
		if events := b.Stats().Events; events != 10 {
			t.Fatalf("%d of 10 events", events)
		}
	}
}

func TestSendingToAStoppedBrokerDoesNotHang(t *testing.T) {
	b := NewBroker()
	shutdown(t, b)
	for range 2 * notifierBuffer {
		select {
		case b.Notifier <- Event{}:
		case <-b.Done():
		}
	}
}

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

func TestClientsComeAndGoWhileEventsFlow(t *testing.T) {
	b, server := newServer(t)
	startWatcher(t, b, server)
	check := settled(t)
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Limit)
	defer cancel()
	stop := make(chan struct{})
	var sender, clients sync.WaitGroup
	sender.Go(func() {
		for id := int64(1); ; id++ {
			select {
			case b.Notifier <- Event{ID: id, Data: make([]byte, rand.IntN(200))}:
			case <-stop:
				return
			}
		}
	})
	for range 20 {
		clients.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			var last int64
			for range 20 {
				s, err := connect(ctx, client, server.URL, "Last-Event-ID", fmt.Sprint(last))
				if err != nil {
					t.Error(err)
					return
				}
				for range rand.IntN(200) {
					e, err := s.Next()
					if err != nil {
						break // Cut off.
					}
					if e.ID != last+1 && last != 0 && b.Stats().ResumesIncomplete == 0 {
						t.Errorf("event %d after %d", e.ID, last)
					}
					last = e.ID
				}
				s.response.Body.Close()
			}
		})
	}
	clients.Wait() // Their context ends them.
	close(stop)
	testkit.Return(t, sender.Wait, "the sender ends")
	eventually(t, "all unregistered", func() bool { return b.Stats().Clients == 0 })
	check()
}

func TestHeldClientsArePlacedOnRelease(t *testing.T) {
	b, server := newServer(t)
	b.Hold()
	resuming := open(t, server.URL, "Last-Event-ID", "20")
	live := open(t, server.URL)
	eventually(t, "registered", func() bool { return b.Stats().Clients == 2 })
	send(t, b, 10, 20, 30) // The source fills the history.
	known := open(t, server.URL, "Last-Event-ID", "10")
	known.want(t, 20, "20") // Its place is known: it need not wait.
	known.want(t, 30, "30")
	b.Release()
	b.Notifier <- Event{ID: 40, Data: []byte("40")}
	resuming.want(t, 30, "30")
	resuming.want(t, 40, "40")
	known.want(t, 40, "40")
	live.want(t, 40, "40")
}
