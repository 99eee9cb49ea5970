package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"time"
)

func TestHTTPSKeepsTheSamePromises(t *testing.T) {
	t.Parallel()
	for _, protocol := range []struct {
		name  string
		major int
	}{{"HTTP/2", 2}, {"HTTP/1.1", 1}} {
		t.Run(protocol.name, func(t *testing.T) {
			t.Parallel()
			s := startTLS(t, "-interval", "300ms")
			client := trusting(t, protocol.major == 2)

			// The header does not wait for an event.
			subscribeWith(t, client, startTLS(t, "-interval", never.String()).url+"/events", "")

			live := subscribeWith(t, client, s.url+"/events", "")
			if live.resp.ProtoMajor != protocol.major {
				t.Fatalf("it speaks %s", live.resp.Proto)
			}
			var ids []int64
			for range 4 {
				id, _ := live.next()
				ids = append(ids, id)
			}
			resumed := subscribeWith(t, client, s.url+"/events", fmt.Sprint(ids[0]))
			for _, want := range ids[1:] {
				if id, _ := resumed.next(); id != want {
					t.Errorf("after %d: got %d, want %d", ids[0], id, want)
				}
			}
			resumed.close()
			s.waitForClients(1)

			begun := time.Now()
			s.stop()
			if took := time.Since(begun); took > 10*time.Second {
				t.Errorf("stopping took %v", took)
			}
			if err := live.end(); err != io.EOF {
				t.Errorf("the stream ended with %v", err)
			}
		})
	}
}

// One HTTP/2 connection carries many streams.
func TestManyStreamsShareAnHTTP2Connection(t *testing.T) {
	t.Parallel()
	s := startTLS(t, "-interval", "100ms")
	client := trusting(t, true)
	dials := 0
	dialer := new(net.Dialer)
	client.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		dials++ // One request after another: no lock.
		return dialer.DialContext(ctx, network, addr)
	}
	var streams []*stream
	for range 100 {
		streams = append(streams, subscribeWith(t, client, s.url+"/events", ""))
	}
	newest, _ := streams[99].next()
	for i, stream := range streams {
		for id := int64(0); id < newest; {
			id, _ = stream.next()
		}
		if i%2 == 0 {
			stream.close()
		}
	}
	streams[1].next() // The others' leaving is none of its business.
	if dials != 1 {
		t.Errorf("the client made %d connections", dials)
	}
}

func TestHTTPSCutsOffWhoNeverShakesHands(t *testing.T) {
	t.Parallel()
	s := startTLS(t)
	conn := dial(t, s)
	if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("it is still connected")
	}
}
