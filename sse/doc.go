// Package sse streams events to any number of clients of an Iris app: server-sent events as
// the WHATWG HTML Standard defines them in section 9.2. A [Broker] is all there is to it:
// mount its [Broker.ServeHTTP], give it events with [Broker.Publish], and call
// [Broker.Shutdown] at the end.
//
// The way of an event, from its source to a client's socket:
//
//	Publish, Notifier
//	    │
//	    ▼
//	the broker's loop ── numbers the event, encodes it once, and appends it to the history:
//	    │                the recent events as one run of bytes
//	    │                ┌─────────┬─────────┬─────────┬─────────┬─────────┐
//	    │                │ id: 1 … │ id: 2 … │ id: 3 … │ id: 4 … │ id: 5 … │
//	    │                └─────────┴─────────┴─────────┴─────────┴─────────┘
//	    │ for each client                    └─── its pending range ───┘
//	    ▼
//	its outbox ───────── holds one range of the history, which grows until it is picked up
//	    │
//	    ▼
//	a writer ─────────── one write, whether the range holds one event or a thousand
//	    │
//	    ▼
//	its socket
//
// The files in the order of this way: publish.go and broker.go (the ways in, the loop, and who
// is connected), event.go and history.go (an event's bytes, and the recent events), fanout.go
// (who gets what, and when), client.go (a client's cursor and its outbox), and writer.go (who
// writes). A client's own way is stream.go (its request), socket.go (its connection over HTTP/1),
// watcher_linux.go (how its disconnect is noticed there) and handler.go (its stream over HTTP/2).
// lifecycle.go has Hold and Shutdown, log.go what is logged beside all this.
package sse
