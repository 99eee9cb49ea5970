package sse

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
	"example.com/sse/sse/internal/transport"
)

// A stormTransport notes what is written to it, and whether that is one writer's at a time. What it notes has
// no lock: the race detector sees a second writer, too.
type stormTransport struct {
	t        *testing.T
	noise    *rand.Rand  // owned by the writer
	fails    bool        // one of its writes does
	written  []byte      // owned by the writer, and after users.Wait by the test
	failed   bool        // likewise
	ended    int         // likewise
	busy     atomic.Bool // a writer is at work
	over     chan struct{}
	overOnce sync.Once
}

var errStorm = errors.New("a write has failed")

func (s *stormTransport) Open(part []byte) error { return s.Write(part, nil) }

func (s *stormTransport) Write(part []byte, _ *transport.Frame) error {
	defer s.work()()
	for range s.noise.IntN(4) {
		runtime.Gosched()
	}
	if s.failed || s.ended > 0 {
		s.t.Errorf("written after a failed write (%v), or after the end (%d)", s.failed, s.ended)
	}
	if s.fails && s.noise.IntN(4) == 0 {
		s.failed = true
		return errStorm
	}
	s.written = append(s.written, part...)
	return nil
}

// work says that a writer is at work. What it returns says that the writer is not any more.
func (s *stormTransport) work() (done func()) {
	if s.busy.Swap(true) {
		s.t.Error("two writers")
	}
	return func() { s.busy.Store(false) }
}

func (s *stormTransport) End() {
	defer s.work()()
	s.ended++
	s.CutOff()
}

func (s *stormTransport) CutOff() { s.overOnce.Do(func() { close(s.over) }) }

// stormFirst is the beginning of a stream, of more than one part.
var stormFirst = []byte(strings.Repeat(":\n", maxPart/2+10))

// A storm is a broker's life: clients come, get events and end in every way. The outbox, the writers and
// the end of a client run as they do in a server.
type storm struct {
	b         *Broker
	events    []Event
	published []byte // what goes out, in all
	first     []byte
	running   sync.WaitGroup
}

func newStorm(events, size int) *storm {
	s := &storm{b: NewBroker(), first: stormFirst[:2]}
	if rand.IntN(8) == 0 {
		s.first = stormFirst
	}
	for id := range int64(events) {
		e := Event{ID: id + 1, Data: bytes.Repeat([]byte("x"), size)}
		s.events = append(s.events, e)
		s.published = e.appendTo(s.published)
	}
	return s
}

// join has a client come that wants every event. It is nil where the broker has stopped.
func (s *storm) join(c *client) bool {
	c.beginning = resumeAfter("0")
	if rand.IntN(4) == 0 {
		c.ends = &ending{at: time.Now().Add(time.Duration(rand.IntN(200)) * time.Microsecond)}
	}
	return s.b.join(c, "")
}

// run publishes, and shuts the broker down: with time for all clients, or with none.
func (s *storm) run(t *testing.T, clean bool) {
	for _, e := range s.events {
		for range rand.IntN(200) { // Until writers look into empty outboxes, more or less.
		}
		if err := s.b.Publish(t.Context(), e); err != nil {
			t.Error(err)
		}
		if rand.IntN(8) == 0 {
			s.b.Release() // a fan-out without news
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Limit)
	defer cancel()
	if !clean {
		cancel()
	}
	if err := s.b.Shutdown(ctx); clean && err != nil {
		t.Error(err)
	}
	testkit.Return(t, s.running.Wait, "all clients are gone")
	testkit.Receive(t, s.b.stopped, "the broker has stopped")
	figures := s.b.Stats()
	d := figures.Disconnects
	if gone := d.ClientLeft + d.Slow + d.NetworkSilent + d.StreamEnded + d.TooMuchInput; gone != figures.ClientsTotal {
		t.Errorf("%d clients came, and %d are gone: %+v", figures.ClientsTotal, gone, d)
	}
}

// check compares what a client got with what was published.
func (s *storm) check(t *testing.T, got []byte, all bool) {
	want := append(bytes.Clone(s.first), s.published...)
	if !bytes.HasPrefix(want, got) {
		t.Errorf("%d bytes are not the first ones of the stream", len(got))
	} else if all && len(got) < len(want) {
		t.Errorf("%d bytes of %d came", len(got), len(want))
	}
}

func TestEveryClientGetsEverythingOnceInAStorm(t *testing.T) {
	for range 2000 {
		s := newStorm(10, 1)
		clean := rand.IntN(3) > 0
		for range 3 {
			s.running.Go(func() {
				out := &stormTransport{t: t, fails: rand.IntN(4) == 0, over: make(chan struct{}), noise: rand.New(rand.NewPCG(rand.Uint64(), 0))}
				c := &client{broker: s.b, index: gone, out: out}
				c.outbox.init()
				if !s.join(c) {
					return
				}
				go c.writeFirst(slices.Clone(s.first))
				<-out.over
				c.ConnectionEnded(nil)
				c.users.Wait()
				if out.ended > 1 || out.ended == 1 && out.failed {
					t.Errorf("ended %d times, failed %v", out.ended, out.failed)
				}
				s.check(t, out.written, clean && !out.failed && c.ends == nil)
			})
		}
		s.run(t, clean)
		if t.Failed() {
			return
		}
	}
}

// The same over sockets with less room than that, whose clients take what they like at a time.
func TestEveryClientGetsEverythingOnceInAStormOverTCP(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for range 12 {
		s := newStorm(60, 20_000)
		clean := rand.IntN(3) > 0
		for range 3 {
			reading, err := net.Dial("tcp", listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			reading.(*net.TCPConn).SetReadBuffer(64 << 10)
			conn, err := listener.Accept()
			if err != nil {
				t.Fatal(err)
			}
			c := newClient(s.b, conn)
			if !s.join(c) {
				t.Fatal("the broker has stopped")
			}
			s.running.Go(func() {
				defer reading.Close()
				var got []byte
				buf := make([]byte, 20_000)
				reading.SetDeadline(time.Now().Add(testkit.Limit))
				for {
					n, err := reading.Read(buf[:1+rand.IntN(len(buf)-1)])
					if got = append(got, buf[:n]...); err != nil {
						s.check(t, got, clean && c.ends == nil)
						if clean && !errors.Is(err, io.EOF) {
							t.Errorf("the stream ends with %v", err)
						}
						return
					}
				}
			})
			s.b.watcher.Watch(c.socket)
			go c.writeFirst(slices.Clone(s.first))
		}
		s.run(t, clean)
		if t.Failed() {
			return
		}
	}
}
