// Package sse streams events to any number of clients of an app: server-sent events as
// the WHATWG HTML Standard defines them in section 9.2. A [Broker] is all there is to it:
// mount its [Broker.Handler], or its [Broker.ServeHTTP] in an Iris app, give it events with
// [Broker.Publish], and call [Broker.Shutdown] at the end. A [Publisher] lets others publish over HTTP.
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
//	a writer ─────────── writes the range in parts: one write for one event or for a hundred
//	    │
//	    ▼
//	its transport ────── a socket that was taken over from net/http (HTTP/1), or the request's
//	                     handler (HTTP/2)
//
// The code's files in the order of this way: broker.go (the loop, and who is connected), publish.go
// and event.go (the way in, and an event's bytes), history.go (the recent events), fanout.go (who gets
// what, and when), client.go and outbox.go (a client's cursor, and what is pending for it), writers.go and
// writer.go (who writes), transport.go, socket.go, socket_linux.go and handler.go (what is written to). A client's own way
// begins in stream.go (its request), iris.go (the same for Iris) and unwrap.go (what lies below a
// middleware's writer); watcher_linux.go notices its
// disconnect. lifecycle.go has Hold, Shutdown and the end of a stream, options.go what can be set, stats.go
// and log.go what is told. publisher.go, publisher_body.go and cors.go are for publishing over HTTP.
// socket_other.go and watcher_other.go are for systems without epoll.
//
// A stream and a client have these ends, each with one word:
//
//	word        who does it                       what it promises            what it never does
//	end         listen closes the outbox, the     all that was pending        waits
//	            client's writer ends the          arrives, then an end that
//	            transport                         is told from a cut
//	cut off     listen, or a writer whose write   a write that blocks ends;   waits; ends cleanly
//	            has failed                        the client sees a cut
//	disconnect  the client or its network         –                           –
//	leave       whoever waits for the end of the  the client is unregistered  writes
//	            connection: the watcher, a        and its socket closed
//	            goroutine or the handler
//	shut down   the app ([Broker.Shutdown])       every stream ends           accepts what comes later
package sse
