package sse

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
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

func TestClientsComeAndGoWhileEventsFlow(t *testing.T) {
	b, server := newServer(t)
	startWatcher(t, b, server)
	check := settled(t)
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Limit)
	defer cancel()
	stop := make(chan struct{})
	var sender, clients sync.WaitGroup
	var refused atomic.Int64 // how many connections got no header: they were cut off before it
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
			client := testkit.StreamClient(&http.Transport{})
			defer client.CloseIdleConnections()
			var last int64
			for range 20 {
				s, err := connect(ctx, client, server.URL, "Last-Event-ID", fmt.Sprint(last))
				if err != nil {
					refused.Add(1)
					continue
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
	if n, cutOff := refused.Load(), b.Stats().SlowClients; n > cutOff {
		t.Errorf("%d clients got no header, and %d were cut off", n, cutOff)
	}
	check()
}
