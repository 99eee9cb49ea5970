package e2e

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

const (
	// churnTime is how long clients come and go.
	churnTime = 15 * time.Second

	// memorySlack is how much more memory may be in use afterwards, in KiB: up to the
	// limit that the server is told. Some 14,000 clients come: 4 KiB of each would be more.
	memorySlack = 48 << 10
)

// It keeps the machine busy, so it runs alone.
func TestNothingStaysOf2000ClientsThatComeAndGo(t *testing.T) {
	need(t, "/proc/self/fd", "run on Linux")
	// Go gives memory back when it likes to, which may be minutes later; knowing of a limit, at
	// once. What it still has then, it needs.
	s := startCommand(t, []string{"env", "GOMEMLIMIT=50MiB", binary}, "-interval", "100ms")
	fs := followers(t, 50, s.url+"/events")

	// As many at once, and what the process has grown to for them, is where it begins.
	crowd := make([]net.Conn, 2000)
	for i := range crowd {
		crowd[i] = dial(t, s)
		io.WriteString(crowd[i], "GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
	}
	s.waitForClients(2050)
	for _, conn := range crowd {
		conn.Close()
	}
	s.waitForClients(50)
	time.Sleep(time.Second)
	before := processFigures(t, s.pid())

	var clients sync.WaitGroup
	until := time.Now().Add(churnTime)
	for range len(crowd) {
		clients.Go(func() {
			for time.Now().Before(until) {
				if err := comeAndGo(s.addr); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	most := before
	for time.Now().Before(until) {
		if now := processFigures(t, s.pid()); now.fds > most.fds {
			most = now
		}
		time.Sleep(200 * time.Millisecond)
	}
	clients.Wait()
	checkWhole(t, fs, retained(t, s))

	s.waitForClients(50)
	var after process
	testkit.Eventually(t, func() error {
		// Two connections at most ask for the figures.
		after = processFigures(t, s.pid())
		if after.fds > before.fds+2 || after.threads > before.threads+8 || after.rss > before.rss+memorySlack {
			return fmt.Errorf("before %v, now %v", before, after)
		}
		return nil
	})
	checkStreamsStayedOpen(t, fs)
	ever := s.stats().ClientsTotal

	// As many goroutines as a server has that has never had others.
	fresh := start(t, "-interval", "100ms")
	followers(t, 50, fresh.url+"/events")
	want, got := goroutines(t, fresh), goroutines(t, s)
	if got > want+10 {
		t.Errorf("%d goroutines, a fresh server with as many clients has %d", got, want)
	}
	t.Logf("%d clients came and went; the longest gap of 50 others was %v", ever, longestGap(fs).Round(time.Millisecond))
	t.Logf("before %v, at most %v, after %v; %d goroutines, a fresh server has %d", before, most, after, got, want)
}

// comeAndGo connects, asks for the stream, all of it or only half, stays for a while, and
// vanishes: with a goodbye, or with a reset like one whose power went off and whose system
// has reconnected.
func comeAndGo(addr string) error {
	conn, err := net.DialTimeout("tcp", addr, testkit.Limit)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(testkit.Limit))
	request := "GET /events HTTP/1.1\r\nHost: x\r\nLast-Event-ID: 1\r\n\r\n"
	if rand.IntN(10) == 0 {
		request = request[:rand.IntN(len(request))]
	}
	if _, err := io.WriteString(conn, request); err != nil {
		return err
	}
	time.Sleep(rand.N(4 * time.Second))
	if rand.IntN(2) == 0 {
		return conn.(*net.TCPConn).SetLinger(0)
	}
	return nil
}
