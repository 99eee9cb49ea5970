package sse

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sse/internal/testkit"
	"example.com/sse/sse/internal/transport"
)

// openWithInput opens a stream over HTTP/2 whose client can send something after its request.
func openWithInput(t *testing.T, l *pipeListener) (stream, io.Writer) {
	t.Helper()
	body, input := io.Pipe()
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Limit)
	t.Cleanup(cancel)
	context.AfterFunc(ctx, func() { input.Close() }) // The transport waits for input alone.
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://test/events", body)
	if err != nil {
		t.Fatal(err)
	}
	response, err := newPipeClient(t, l).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return stream{newParser(response.Body), response}, input
}

func TestTooMuchInputCutsAStreamOffAlsoAfterTheServersReadTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, l := newPipeServer(t)
		s, input := openWithInput(t, l)
		time.Sleep(2 * pipeReadTimeout)
		input.Write([]byte("x"))
		synctest.Wait()
		b.Notifier <- Event{ID: 1}
		s.want(t, 1, "")
		input.Write(make([]byte, transport.MaxInput))
		if e, err := s.Next(); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("got event %d, error %v; want the stream cut off", e.ID, err)
		}
		shutdown(t, b)
	})
}

// large is the payload of an event of which a client that does not read has room for one.
var large = make([]byte, http2Window*3/4)

func TestHTTP2ClientThatDoesNotReadDelaysNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, l := newPipeServer(t)
		var reading, stalled []stream
		for range clientsPerBlockingWriter / 16 { // All have the same writer.
			reading = append(reading, openWith(t, newPipeClient(t, l), "http://test"))
			stalled = append(stalled, openWith(t, newPipeClient(t, l), "http://test"))
		}
		synctest.Wait()
		for id := int64(1); id <= 3; id++ {
			published := time.Now()
			b.Notifier <- Event{ID: id, Data: large}
			for _, s := range reading {
				s.want(t, id, string(large))
			}
			// The second blocks their common writer. After that only the stalled clients have writers.
			if delay := time.Since(published); delay > 2*lookInterval || id != 2 && delay > 0 {
				t.Errorf("event %d comes after %v", id, delay)
			}
		}
		for _, s := range stalled {
			for id := int64(1); id <= 3; id++ {
				s.want(t, id, string(large))
			}
		}
		shutdown(t, b)
	})
}

func TestHTTP2ClientThatDoesNotReadIsCutOffAndResumesWithoutLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, l := newPipeServer(t)
		client := newPipeClient(t, l)
		s := openWith(t, client, "http://test")
		synctest.Wait()
		b.Notifier <- Event{ID: 1}
		s.want(t, 1, "")
		// It stops reading: the third event blocks, the fourth is pending.
		start := time.Now()
		for id := int64(2); b.Stats().Clients == 1; id++ {
			b.Notifier <- Event{ID: id, Data: large}
			time.Sleep(time.Second)
		}
		if waited := time.Since(start); waited < (2*DefaultHeartbeat) || waited > (2*DefaultHeartbeat)+4*time.Second {
			t.Errorf("cut off after %v", waited)
		}
		stats := b.Stats()
		if stats.SlowClients != 1 {
			t.Errorf("%+v", stats)
		}
		s = openWith(t, client, "http://test", "Last-Event-ID", "1")
		for id := int64(2); id <= stats.Events; id++ {
			s.want(t, id, string(large))
		}
		shutdown(t, b)
	})
}

func TestHandlerEndsWhileAWriteToItsClientIsBlocked(t *testing.T) {
	for name, end := range map[string]func(b *Broker, s stream, input io.Writer){
		"too much input": func(_ *Broker, _ stream, input io.Writer) { input.Write(make([]byte, transport.MaxInput+1)) },
		"disconnected":   func(_ *Broker, s stream, _ io.Writer) { s.response.Body.Close() },
		"shutdown": func(b *Broker, _ stream, _ io.Writer) {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			b.Shutdown(ctx)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, l := newPipeServer(t)
				s, input := openWithInput(t, l)
				b.Notifier <- Event{ID: 1, Data: large}
				b.Notifier <- Event{ID: 2, Data: large}
				synctest.Wait()
				start := time.Now()
				end(b, s, input)
				synctest.Wait()
				if clients := b.Stats().Clients; clients != 0 || time.Since(start) > 0 {
					t.Errorf("%d clients are left after %v", clients, time.Since(start))
				}
				s.Next()
				if e, err := s.Next(); err == nil {
					t.Errorf("its writer still waits for it, with event %d", e.ID)
				}
				shutdown(t, b)
			})
		})
	}
}
