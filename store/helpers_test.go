package store

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
	"example.com/sse/sse"
)

// budgets are how long tests may run that need more than testkit.Budget on a busy machine.
var budgets = map[string]time.Duration{
	"TestFileStaysWithinASmallMultipleOfTheBound": 3 * time.Minute,
	"TestModel":              2 * time.Minute,
	"TestModelFindsMistakes": 5 * time.Minute,
	"TestFullStoreByHand":    10 * time.Minute,
}

func TestMain(m *testing.M) {
	os.Exit(testkit.Main(m, budgets))
}

// newBroker returns a broker that logs nothing, and is shut down with the test.
func newBroker(t testing.TB, history int) *sse.Broker {
	t.Helper()
	broker := sse.New(sse.Options{History: history, Log: sse.SlogLogger(slog.New(slog.DiscardHandler))})
	t.Cleanup(func() { shutDown(t, broker) })
	return broker
}

func shutDown(t testing.TB, broker *sse.Broker) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Limit)
	defer cancel()
	if err := broker.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}

// openStore opens a directory's store, which is closed with the test, and waits until it is loaded.
func openStore(t testing.TB, dir string, bytes int64) *Store {
	t.Helper()
	return openAt(t, dir, bytes, time.Now)
}

// openAt is openStore with a clock.
func openAt(t testing.TB, dir string, bytes int64, now func() time.Time) *Store {
	t.Helper()
	s, err := open(newBroker(t, 0), Options{Dir: dir, Bytes: bytes}, now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Wait(); err != nil {
		t.Fatal(err)
	}
	return s
}

// publish publishes an event, which has to be stored.
func publish(t testing.TB, s *Store, topic, data string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Limit)
	defer cancel()
	if err := s.Publish(ctx, sse.Event{Topic: topic, Data: []byte(data)}); err != nil {
		t.Fatal(err)
	}
}

// readAll returns what the archive has of topics after an ID.
func readAll(t testing.TB, s *Store, after int64, topics ...string) (complete bool, events []sse.Event) {
	t.Helper()
	complete, all := s.read(t.Context(), topics, after)
	for e, err := range all {
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	return complete, events
}

// datas returns the events' data.
func datas(events []sse.Event) (datas []string) {
	for _, e := range events {
		datas = append(datas, string(e.Data))
	}
	return datas
}

// fileSize returns how large a store's file is, in bytes on the disk.
func fileSize(t testing.TB, dir string) int64 {
	t.Helper()
	info, err := os.Stat(fmt.Sprint(dir, "/", fileName))
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
