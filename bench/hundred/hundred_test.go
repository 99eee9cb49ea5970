package main

import (
	"bytes"
	"errors"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"example.com/sse/bench/load"
	"example.com/sse/internal/testkit"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == loadCommand {
		os.Exit(loadProcess(os.Args[2:])) // The program starts itself, which is the test binary here.
	}
	// It builds servers, perhaps with a cold cache.
	os.Exit(testkit.Main(m, map[string]time.Duration{"TestEachClientGetsEachEventOnceThoughAServerIsKilled": 15 * time.Minute}))
}

func TestEachClientGetsEachEventOnceThoughAServerIsKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds and starts servers, which make quick does not")
	}
	var out bytes.Buffer
	// So many files make two processes of the load.
	err := measure(t.Context(), options{clients: 600, interval: 250 * time.Millisecond, duration: time.Second}, 300+spare, &out)
	if errors.Is(err, errNoNATS) {
		t.Skip(errNoNATS)
	}
	if err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	if want := "600 clients over HTTP/1.1 in 2 processes, at 6 servers on one NATS.\n"; !strings.Contains(out.String(), want) {
		t.Errorf("got %s, want %q in it", out.String(), want)
	}
	for _, row := range []struct {
		title  string
		lo, hi float64
	}{
		{"clients connected a second", 1, 1e6},
		{"memory of a server with its clients, MiB", 1, 1000},
		{"CPU an event to a client, µs", 0.1, 1e5},
		{"cores of the load", 0, 100},
		{"from an event's time to its last client, worst, ms", 0, 1e6},
		{"clients of the server that is killed", 100, 100},
		{"all of them are connected again after, s", 1, 100}, // A server names a reconnection time of a second or more.
		{"connections of others lost", 0, 0},
		{"events lost", 0, 0},
		{"events doubled", 0, 0},
	} {
		m := regexp.MustCompile(`(?m)^\| ` + row.title + ` \| (.*) \|$`).FindStringSubmatch(out.String())
		if m == nil {
			t.Errorf("there is no %q in %s", row.title, out.String())
			continue
		}
		// A machine that is busy is measured with twice the interval, too.
		for cell := range strings.SplitSeq(m[1], " | ") {
			if v, err := strconv.ParseFloat(strings.ReplaceAll(cell, ",", ""), 64); err != nil || v < row.lo || v > row.hi {
				t.Errorf("%s: got %s, want %v to %v", row.title, cell, row.lo, row.hi)
			}
		}
	}
}

// second returns a time.
func second(n float64) time.Time { return time.Unix(0, int64(n*1e9)) }

func TestWhatIsLostAndDoubledIsCounted(t *testing.T) {
	ticks := []tick{{7, second(1)}, {8, second(2)}, {9, second(5)}, {10, second(6)}}
	of := func(key int64, clients int, first, last float64) load.Receipt {
		return load.Receipt{Key: key, Clients: clients, First: second(first), Last: second(last)}
	}
	reports := []report{
		{Counts: load.Counts{Doubled: 2, Dropped: 3}, Receipts: []load.Receipt{of(6, 1, 0, 0), of(7, 3, 1.1, 1.2), of(8, 3, 2.1, 2.4), of(9, 1, 5.3, 5.9)}},
		{Counts: load.Counts{Dropped: 2}, Receipts: []load.Receipt{of(7, 2, 1.05, 1.15), of(8, 2, 2.2, 2.5), of(9, 2, 5.1, 5.2)}},
	}
	f := figures{interval: time.Second, killed: 4}
	f.count(ticks, reports, 5)
	// Of event 9 two are missing, and of event 10, which nobody has got, all five.
	if f.lost != 7 || f.doubled != 2 || f.disconnected != 1 || f.leftOut != 2 {
		t.Errorf("got %d lost, %d doubled, %d disconnected, %d left out, want 7, 2, 1, 2", f.lost, f.doubled, f.disconnected, f.leftOut)
	}
	f.lags(ticks, reports, second(0.9), second(5.5))
	if f.delivered != 13 || f.firstMedian.Round(time.Millisecond) != 100*time.Millisecond ||
		f.lagMedian.Round(time.Millisecond) != 500*time.Millisecond || f.lagWorst.Round(time.Millisecond) != 900*time.Millisecond {
		t.Errorf("got %d delivered, %v, %v, %v, want 13, 100ms, 500ms, 900ms", f.delivered, f.firstMedian, f.lagMedian, f.lagWorst)
	}
}

func TestReturnsAreCountedFromTheKill(t *testing.T) {
	var f figures
	f.returns([]report{
		{Returns: []load.Return{{Answered: second(12), Received: second(14)}, {Answered: second(11), Received: second(15)}}},
		{Returns: []load.Return{{Answered: second(13), Received: second(13)}}},
	}, second(10))
	if f.answeredHalf != 2*time.Second || f.answeredLast != 3*time.Second || f.receivedLast != 5*time.Second {
		t.Errorf("got %v, %v, %v, want 2, 3, 5 s", f.answeredHalf, f.answeredLast, f.receivedLast)
	}
}

func TestOneEventLostOrDoubledIsAnError(t *testing.T) {
	good := figures{back: true}
	for _, f := range []figures{{back: true, lost: 1}, {back: true, doubled: 1}, {}} {
		if err := verdict([]*figures{&good, &f}); !errors.Is(err, errNotOnce) {
			t.Errorf("%+v: got %v", f, err)
		}
	}
	if err := verdict([]*figures{&good}); err != nil {
		t.Error(err)
	}
}

func TestThereAreServersEnoughWhenOneIsKilled(t *testing.T) {
	for _, test := range []struct{ clients, files, servers, loads int }{
		{100_000, 20_000, 7, 6}, {100_000, 1 << 20, 6, 1}, {99_500, 20_000, 6, 5}, {600, 400, 6, 2}, {1, 1, 6, 1},
	} {
		if got, want := sizesFor(test.clients, test.files), (sizes{test.servers, test.loads}); got != want {
			t.Errorf("%d clients, %d files: got %+v, want %+v", test.clients, test.files, got, want)
		}
		next := 0
		for i := range test.loads {
			n, first := share(test.clients, test.loads, i)
			if first != next || n > max(1, test.files-spare) {
				t.Errorf("%d clients, %d files: process %d has %d clients from %d", test.clients, test.files, i, n, first)
			}
			next = first + n
		}
		if next != test.clients {
			t.Errorf("%d clients, %d files: %d have a process", test.clients, test.files, next)
		}
	}
}

func TestClientsOfOneServerAreSpreadOverAllOthers(t *testing.T) {
	const servers, each = 7, 600
	var home [servers]int
	var next [servers][servers]int
	for client := range servers * each {
		at := serverOf(client, 0, servers)
		home[at]++
		before := at
		for connection := 1; connection < 4; connection++ {
			now := serverOf(client, connection, servers)
			if now == at || now == before {
				t.Fatalf("connection %d of client %d, which began at server %d and comes from %d, goes to %d", connection, client, at, before, now)
			}
			before = now
		}
		next[at][serverOf(client, 1, servers)]++
	}
	for i := range servers {
		if home[i] != each {
			t.Errorf("server %d has %d clients, want %d", i, home[i], each)
		}
		for j := range servers {
			if want := each / (servers - 1); i != j && next[i][j] != want {
				t.Errorf("of server %d %d clients go to %d, want %d", i, next[i][j], j, want)
			}
		}
	}
}

func TestWrongFlagsAreRefused(t *testing.T) {
	right := options{clients: 1, interval: 1, duration: 1}
	if err := right.check(); err != nil {
		t.Error(err)
	}
	for _, wrong := range []options{{0, 1, 1}, {1, 0, 1}, {1, 2, 1}} {
		if wrong.check() == nil {
			t.Errorf("%+v is taken", wrong)
		}
	}
}
