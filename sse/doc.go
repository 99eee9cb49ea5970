// Package sse streams events to any number of clients of an app: server-sent events as
// the WHATWG HTML Standard defines them in section 9.2. A [Broker] does all of it:
// mount its [Broker.Handler], or its [Broker.ServeHTTP] in an Iris app, give it events with
// [Broker.Publish], and call [Broker.Shutdown] at the end. A [Publisher] lets others publish over HTTP.
//
// The way of an event, from its source to a client's socket:
//
//	Publish, Notifier
//	    │
//	    ▼
//	the broker's loop ── numbers the event, encodes it once, and appends it to its topic's history:
//	    │                the topic's recent events as one run of bytes
//	    │                       ┌─────────┬─────────┬─────────┐
//	    │                news   │ id: 1 … │ id: 3 … │ id: 4 … │
//	    │                       └─────────┴─────────┴─────────┘
//	    │                                 └─ pending range ───┘
//	    │                       ┌─────────┬─────────┐
//	    │                mail   │ id: 2 … │ id: 5 … │
//	    │                       └─────────┴─────────┘
//	    │ for each client                 └ pending ┘
//	    │ of the topic
//	    ▼
//	its outbox ───────── holds a range of one topic's history, or a merge of several topics' ranges, which
//	    │                grows until it is picked up: the client of news and mail above has 3, 4 and 5 pending
//	    ▼
//	a writer ─────────── writes in parts: one write for one event or for a hundred. It puts a merge
//	    │                in the order of the events' arrival as it writes it
//	    ▼
//	its transport ────── a socket that was taken over from net/http (HTTP/1), or the request's
//	                     handler (HTTP/2): a package of its own, internal/transport
//
// Where the source has an [Archive], a client that resumes and lacks more than the histories retain comes in from the
// side: a goroutine of its own writes to its transport what the archive has, and then gives it a place in the
// histories.
//
// The code's files, in the order in which to read them. An event's way:
//
//   - broker.go: the loop, the registry of clients, and the fields that all other files use
//   - publish.go and event.go: the way in, and an event's bytes
//   - topics.go: topics, their subscriptions, and the one numbering
//   - history.go and retention.go: a topic's recent events, and which of them are evicted
//   - fanout.go: which client gets what, and when
//   - client.go and outbox.go: a client's cursor, and what is pending for it
//   - merge.go: what is pending of several topics
//   - writers.go and writer.go: the goroutines that write
//   - internal/transport: what they write to, which doc.go there says
//   - heartbeat.go: what a client gets when there are no events
//
// A client's way:
//
//   - stream.go and iris.go: its request and its topics, the latter file for Iris
//   - begin.go and place.go: what it resumes from, and where in the histories it begins
//   - first.go: the first bytes of its stream
//   - archive.go and replay.go: whose turn at the archive it is, and what a turn does
//
// All else:
//
//   - lifecycle.go and drain.go: Hold, Shutdown, and the ends of one stream and of all
//   - options.go: what can be set
//   - stats.go, rounds.go and disconnect.go: the figures, how long events took, why clients have left
//   - log.go and logger.go: the log
//   - publisher.go, publisher_body.go and cors.go: publishing over HTTP, and pages of other origins
//
// A stream and a client have these ends, each with one word:
//
//	word        who does it                       what it promises            what it never does
//	end         the loop closes the outbox, the   all that was pending        waits
//	            client's writer ends the          arrives, then an end that
//	            transport                         is told from a cut
//	cut off     the loop, or a writer whose write a write that blocks ends;   waits; ends cleanly
//	            has failed                        the client sees a cut
//	disconnect  the client or its network         –                           –
//	leave       whoever notices the end of the    the client is unregistered  writes
//	            connection: the watcher of        and its socket closed
//	            sockets, or the handler
//	shut down   the app ([Broker.Shutdown])       every stream ends           accepts what comes later
//
// Each of them ends the client's turn at the archive, too: the archive's context is cancelled, and "all that was
// pending" is then what the turn's goroutine has read.
//
// When a client is unregistered, one reason is counted ([Disconnects]). Where it was noticed that the client did not read,
// that it sent too much, or that its network was silent, the reason is the first of these that was noticed. Otherwise the
// reason is that the broker has ended the stream or, where the broker has not, that the client left.
package sse
