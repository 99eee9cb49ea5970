package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"example.com/sse/internal/testkit"

	"github.com/nats-io/nats.go"
)

func TestWhatOtherPublishersSendIsShown(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	s := n.serve()
	js := jetStream(t, n.client)
	shown := subscribeLive(t, s)
	for _, payload := range []struct{ sent, seen string }{
		{"text", "text"},
		{`{"timestamp":1,"message":"JSON"}`, `{"timestamp":1,"message":"JSON"}`},
		{"many\nlines\r\nended\rin all ways\n\n", "many\nlines\nended\nin all ways\n\n"},
		{"x\n\nid: 1\ndata: smuggled\n\n", "x\n\nid: 1\ndata: smuggled\n\n"},
		{"x\r\rretry: 1\r\r", "x\n\nretry: 1\n\n"},
		{"", ""},
		{strings.Repeat("m", 1<<20), strings.Repeat("m", 1<<20)},
		{strings.Repeat("\n", 1<<20), strings.Repeat("\n", 1<<20)},
		{"the last", "the last"},
	} {
		want := publish(t, js, payload.sent)
		if id, data := shown.next(); id != want || data != payload.seen {
			t.Fatalf("published %.40q as %d, got %d %.40q", payload.sent, want, id, data)
		}
	}
	if _, err := js.Publish(t.Context(), "sse.events", make([]byte, 1<<20+1)); err == nil {
		t.Error("NATS takes more than 1 MiB")
	}
	want := publish(t, js, "after the large one")
	if id, _ := shown.next(); id != want {
		t.Errorf("got %d, want %d", id, want)
	}
}

// A client of NATS takes an empty message with this header for a word of NATS itself.
func TestMessageThatLooksLikeAStatusOfNATSIsShown(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	s := n.serve()
	js := jetStream(t, n.client)
	shown := subscribeLive(t, s)
	for _, code := range []string{"100", "404", "408", "409", "503", "999"} {
		ack, err := js.PublishMsg(t.Context(), &nats.Msg{Subject: "sse.events", Header: nats.Header{
			"Status": {code}, "Description": {"Consumer Deleted"}}})
		if err != nil {
			t.Fatal(err)
		}
		next := publish(t, js, "the next")
		for _, want := range []int64{int64(ack.Sequence), next} {
			if id, _ := shown.next(); id != want {
				t.Fatalf("status %s: got %d, want %d", code, id, want)
			}
		}
	}
	// None of them waits for the next, and many cost no time: a consumer anew for each would
	// take a quarter of a second.
	const many = 50
	began := time.Now()
	for i := range many {
		ack, err := js.PublishMsg(t.Context(), &nats.Msg{Subject: "sse.events", Header: nats.Header{"Status": {"100"}}})
		if err != nil {
			t.Fatal(err)
		}
		if id, _ := shown.next(); id != int64(ack.Sequence) {
			t.Fatalf("status message %d: got %d, want %d", i, id, ack.Sequence)
		}
	}
	t.Logf("%d took %v", many, time.Since(began))
	// One that starts now has such a message as the newest to read.
	ack, err := js.PublishMsg(t.Context(), &nats.Msg{Subject: "sse.events", Header: nats.Header{"Status": {"100"}}})
	if err != nil {
		t.Fatal(err)
	}
	late := n.serve()
	if _, last := natsStats(t, late); last != int64(ack.Sequence) {
		t.Errorf("the last sequence is %d, want %d", last, ack.Sequence)
	}
}

// maxMemory is how much a server with a history of 4 MiB may have in memory at any time. What
// is published is 60 MB: NATS retains all of it, so no server is outrun.
const maxMemory = 112 << 20

func TestBurstStaysWithinMemory(t *testing.T) {
	t.Parallel()
	const burst = 60_000
	n := startNATS(t)
	var servers []*server
	for range 2 {
		// Go gives memory back when it likes to; knowing of a limit, at once.
		s := startCommand(t, []string{"env", "GOMEMLIMIT=96MiB", binary}, "-nats", n.client, "-interval", "1s", "-history", "4194304")
		s.waitForStatus(http.StatusOK)
		servers = append(servers, s)
	}
	fs := roam(t, 10, servers...)
	stuck, err := net.Dial("tcp", servers[0].addr)
	if err != nil {
		t.Fatal(err)
	}
	defer stuck.Close()
	stuck.SetDeadline(time.Now().Add(3 * testkit.Limit))
	fmt.Fprintf(stuck, "GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
	js := jetStream(t, n.client)
	payload := strings.Repeat("x", 1000)
	began := time.Now()
	for i := range burst {
		js.Conn().Publish("sse.events", []byte(payload))
		if i%1000 == 0 {
			publish(t, js, payload) // JetStream drops what comes faster than it can store.
		}
	}
	published := time.Since(began)
	last := publish(t, js, "the last")
	waitForID(t, fs, last)
	t.Logf("%d events published in %v, at all clients after %v", burst, published, time.Since(began))

	testkit.Eventually(t, func() error {
		if servers[0].stats().SlowClients == 0 {
			return fmt.Errorf("the client that does not read is not cut off")
		}
		return nil
	})
	events := idsOf(stored(t, js))
	for i, s := range servers {
		memory := int64(processFigures(t, s.pid()).peak) << 10
		t.Logf("server %d had at most %d MiB in memory", i, memory>>20)
		if memory > maxMemory {
			t.Errorf("server %d had %d MiB in memory", i, memory>>20)
		}
	}
	for _, f := range fs {
		if f.timesOpened() == 1 { // Others were too slow themselves, and were sent what the history held.
			checkWhole(t, []*follower{f}, events)
		}
	}
	// The client that was cut off reconnects with the last ID it had read.
	read, _ := io.ReadAll(stuck)
	lastRead := string(read[strings.LastIndex(string(read), "\nid: ")+5:])
	lastRead, _, _ = strings.Cut(lastRead, "\n")
	resumed := subscribe(t, servers[1].url+"/events", lastRead)
	resumed.upTo(last)
}

func TestEventsArriveAtOnceThroughNATS(t *testing.T) {
	t.Parallel()
	n := startNATS(t)
	s := n.serve()
	nc := jetStream(t, n.client).Conn()
	alone := newStage(t)
	beside := subscribe(t, alone.url+"/events", "")
	alone.waitForClients(1)
	for _, way := range []struct {
		name     string
		send     func(i int, payload string)
		receiver *stream
	}{
		{"without NATS", func(i int, payload string) { alone.send(int64(i+1), payload) }, beside},
		{"with NATS", func(_ int, payload string) { nc.Publish("sse.events", []byte(payload)) }, subscribeLive(t, s)},
	} {
		receiver := way.receiver
		var took []time.Duration
		for i := range 500 {
			way.send(i, strconv.FormatInt(time.Now().UnixNano(), 10))
			_, data := receiver.next()
			received := time.Now()
			sent, err := strconv.ParseInt(data, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			took = append(took, received.Sub(time.Unix(0, sent)))
		}
		slices.Sort(took)
		t.Logf("%s: %v from publish to receipt in the median, %v for 99 of 100", way.name, took[len(took)/2], took[len(took)*99/100])
		if median := took[len(took)/2]; median > time.Second {
			t.Errorf("%s: %v", way.name, median)
		}
	}
}
