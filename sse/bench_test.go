package sse

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
)

// payload is the demo's.
var payload = []byte(`{"timestamp":1795345092,"message":"Hello at Sun, 22 Nov 2026 10:58:12 UTC"}`)

func BenchmarkEncode(b *testing.B) {
	for _, data := range [][]byte{payload, bytes.Repeat([]byte("a line\n"), 1000)} {
		b.Run(fmt.Sprintf("%dBytes", len(data)), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			var frame []byte
			for b.Loop() {
				frame = Event{ID: 1795345092524158, Data: data}.appendTo(frame[:0])
			}
		})
	}
}

func BenchmarkResume(b *testing.B) {
	h := newLone(smallHistory)
	for id := int64(1); h.lastLostID == noneLost; id++ {
		h.add(Event{ID: id, Data: payload})
	}
	b.ReportAllocs()
	for id := h.lastLostID; b.Loop(); id++ {
		position, _ := h.after(h.lastLostID + id%int64(len(h.index)))
		h.between(position, h.end())
	}
}

// BenchmarkFanOut is an event to clients that have all taken the one before, over sockets.
func BenchmarkFanOut(b *testing.B) {
	for _, clients := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("%dClients", clients), func(b *testing.B) {
			broker, received := newKeptUpClients(b, clients)
			frame := int64(len(Event{ID: 1795345092524158, Data: payload}.appendTo(nil)))
			b.ReportAllocs()
			for events := int64(1); b.Loop(); events++ {
				broker.Notifier <- Event{Data: payload}
				for received.Load() < events*int64(clients)*frame {
				}
			}
		})
	}
}

// newKeptUpClients returns a broker with clients that read all they get, and how many bytes
// they have read.
func newKeptUpClients(tb testing.TB, clients int) (*Broker, *atomic.Int64) {
	broker, received := NewBroker(), new(atomic.Int64)
	tb.Cleanup(func() { broker.Shutdown(context.Background()) })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	for range clients {
		ours, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { ours.Close() })
		theirs, err := l.Accept()
		if err != nil {
			tb.Fatal(err)
		}
		c := newClient(broker, theirs)
		broker.join(c, "")
		broker.watcher.Watch(c.socket)
		go c.writeAlone(nil)
		go func() {
			buf := make([]byte, 4096)
			for {
				n, err := ours.Read(buf)
				if err != nil {
					return
				}
				received.Add(int64(n))
			}
		}()
	}
	return broker, received
}

func TestFanOutAllocatesNothingAClient(t *testing.T) {
	const clients = 256
	broker, received := newKeptUpClients(t, clients)
	frame := int64(len(Event{ID: 1795345092524158, Data: payload}.appendTo(nil)))
	var want int64
	allocations := testing.AllocsPerRun(100, func() {
		broker.Notifier <- Event{Data: payload}
		want += clients * frame
		eventually(t, "all received", func() bool { return received.Load() == want })
	})
	if allocations > clients/4 {
		t.Errorf("%v allocations for an event to %d clients", allocations, clients)
	}
}
