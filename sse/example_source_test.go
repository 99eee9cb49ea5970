package sse_test

import (
	"context"
	"fmt"
	"time"

	"example.com/sse/sse"
)

// A source that numbers its own events, as a database does: the IDs rise, and a client continues
// after the one that it got last.
func ExampleEvent_ownIDs() {
	broker := sse.NewBroker()
	server := serve(broker)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, row := range []struct {
		id   int64
		text string
	}{{17, "Alice came"}, {18, "Bob came"}, {21, "Alice left"}} {
		broker.Publish(ctx, sse.Event{ID: row.id, Data: []byte(row.text)})
	}

	printEvents(stream(server.URL+"/events", "17"), 2)
	broker.Shutdown(ctx)
	// Output:
	// data: Bob came
	// data: Alice left
}

// Clients that connect while a history is being loaded wait for it, and miss nothing: the one here
// comes before the event that it asks for. From Hold on, every event needs an ID.
func ExampleBroker_Hold() {
	broker := sse.NewBroker()
	broker.Hold()
	server := serve(broker)
	lines := stream(server.URL+"/events", "2")

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for i, text := range []string{"one", "two", "three"} { // as from a database
		broker.Publish(ctx, sse.Event{ID: int64(i + 1), Data: []byte(text)})
	}
	fmt.Println(broker.Publish(ctx, sse.Event{Data: []byte("no ID")}))
	broker.Release()

	printEvents(lines, 1)
	broker.Shutdown(ctx)
	// Output:
	// sse: the event has no ID, and the broker's source numbers its events
	// data: three
}
