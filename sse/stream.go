package sse

import (
	"context"
	"net/http"
	"time"

	"example.com/sse/sse/internal/transport"
)

// A Stream is what a request gets, as an app decides it. The zero value is what the request asks for.
type Stream struct {
	// Topics are the topics that the stream has, at most 10,000 names; one that is named twice is subscribed to once. Their
	// events come in the order of their IDs, and the last event ID that a request names resumes all of them,
	// also if the stream had others before. More topics, or one that is not valid ([Event] says what is), are
	// answered with 400. Nil means what the request asks for: the topics that its query names, as in
	// ?topic=mail/anna&topic=news, at most 100, and the default topic where it names none. An empty slice that
	// is not nil means no topic: the stream has heartbeats only. An app in which not everybody may read
	// everything sets Topics, and never takes them from the query unchecked.
	Topics []string

	// Last is how many of each topic's last events a client first gets that does not resume: the latest state, in the
	// order of the events' IDs. It is at most 1,000; more counts as that. Only events that the broker itself retains
	// come, whatever an [Archive] has. Last means nothing where the request names a last event ID. Zero means what
	// the request asks for, as in ?last=10; anything there but a number from 1 to 1,000 is answered with 400. Less
	// than zero means none.
	Last int

	// First are events that this client gets before all others: a snapshot that the app has made
	// for it, say. They are sent without an ID, whatever their ID is, so that the client's last event
	// ID stays what it was.
	First []Event

	// Until is when the stream ends: cleanly, after all that was published before, so that the client reconnects and
	// the app can ask again who it is. A time that has passed ends the stream at once, after what the client has
	// missed, if the broker retains it; what comes from an [Archive] ends with the time. The zero time is never.
	Until time.Time

	// Context ends the stream when it ends, as Until does: for what may end at any time, such as a session that its
	// user logs out of. The request's own context can't be it: over HTTP/1 that ends when Serve returns. Nil is
	// never.
	Context context.Context

	// Ended is called once, in a goroutine of its own, when the stream has ended and its client is
	// unregistered. It is for what a middleware can't do over HTTP/1, where the handler returns while the
	// stream goes on: a middleware that logs requests says 0 ms there. Ended is not called for a request that
	// gets no stream. Nil means that nothing is called.
	Ended func()
}

// asRequested is the zero Stream, which is what the request asks for.
var asRequested Stream

// Handler returns an http.Handler that calls [Broker.Serve] with the zero [Stream]. Mount it for all
// methods.
func (b *Broker) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { b.serve(w, r, &asRequested) })
}

// Serve serves the event stream (WHATWG HTML, section 9.2) to the client of a request: the events of the topics that
// [Stream] says. A request may ask for more, in its header or its query:
//
//   - Last-Event-ID, a header, or where that is missing lastEventId, a parameter of the query: first come the later
//     events that are retained or, where the broker has an [Archive], that the archive has. Any text is a last event
//     ID. The ID 0 is before those of all events.
//   - last=10 in the query of a client that names no last event ID: first come the last ten events of each topic.
//   - heartbeat=show in the query: heartbeats are events of the name heartbeat instead of comments, so that a page can
//     tell a silent stream from a dead connection. The first heartbeat comes at once, and the data of each is the
//     milliseconds within which something comes again.
//
// A client that resumes is told of a gap where some of the later events are missing. It is told of one, too, where they may be
// missing, because its ID was never given out. The gap is an event of the name gap, before the first of the others.
// That event has no ID, and its data is JSON: {"lastEventId":"…","first":…}, the ID that the client named, cut to 100
// bytes, and the ID of the first event that the client gets, null where nothing is retained. After the ID 0 there is
// no gap as long as no event was evicted or left out ([Gap]) and the source has not restarted its numbering.
//
// Over HTTP/1 Serve hijacks the connection and returns soon, while the stream lives on ([Stream.Ended]
// tells when it has ended); over HTTP/2 it returns when the stream ends. It answers HEAD with the
// stream's header, OPTIONS as a CORS preflight, and other methods with 405. Once the broker drains or has stopped, a
// stream ends where it begins, so that its client reconnects: any status but 200 makes a browser give up
// for good (section 9.2.3).
//
// Every origin may read, unless the app has set Access-Control-Allow-Origin before, or, as a CORS middleware
// does for an origin that may not read, Vary with Origin alone. Over HTTP/2 a deadline of the request's context
// ends the stream as [Stream.Until] does; over HTTP/1 the context means nothing once Serve has returned.
//
// Serve answers 505, with a line that names the writer's type, behind a middleware's writer that can neither
// be hijacked nor flushed and given a write deadline, for want of an Unwrap method say
// ([http.ResponseController]). docs/questions.md says which middleware was tried.
func (b *Broker) Serve(w http.ResponseWriter, r *http.Request, s Stream) { b.serve(w, r, &s) }

// serve is Serve. It calls what needs a deep stack one after the other, and not one within the other: so all fits
// into the 4 KiB with which a goroutine of net/http begins under load. The move into a larger one
// would take a tenth of a connect.
func (b *Broker) serve(w http.ResponseWriter, r *http.Request, s *Stream) {
	c, topics, first := b.prepare(w, r, s)
	if c == nil {
		return
	}
	if socket, err := b.watcher.Hijack(w, r, c); err == nil {
		b.serveSocket(socket, c, topics, first)
	} else if handler, err := transport.NewHandler(w); err != nil {
		transport.Unsupported(w)
	} else if c.out = handler; b.join(c, topics...) {
		c.serveHandler(handler, r, first)
	} else {
		// Over HTTP/2 net/http makes a GOAWAY of that, so the client's next request may reach another server.
		w.Header().Set("Connection", "close")
		handler.Open(first)
		c.hasEnded()
	}
}

// prepare returns the client of a request that gets a stream, with the stream's topics and its first bytes, or answers
// the request and returns nil.
func (b *Broker) prepare(w http.ResponseWriter, r *http.Request, s *Stream) (c *client, topics []string, first []byte) {
	if !answersWithStream(w, r) {
		return nil, nil, nil
	}
	query := r.URL.Query()
	topics, err := topicsOf(query, s.Topics)
	if err != nil {
		refuse(w, err)
		return nil, nil, nil
	}
	from, err := beginningOf(r.Header, query, s.Last)
	if err != nil {
		refuse(w, err)
		return nil, nil, nil
	}
	c = &client{broker: b, index: gone, beginning: from, ended: s.Ended}
	c.outbox.init()
	c.showHeartbeats = query.Get("heartbeat") == "show"
	if !s.Until.IsZero() || s.Context != nil {
		c.ends = &ending{at: s.Until, context: s.Context}
	}
	return c, topics, b.firstPart(c, s.First)
}

// serveSocket streams to a client whose connection was hijacked, until nothing is pending for it; then
// the broker's writers do.
func (b *Broker) serveSocket(s *transport.Socket, c *client, topics []string, first []byte) {
	c.out, c.socket = s, s
	if !b.join(c, topics...) {
		s.OpenAndEnd(first)
		c.hasEnded()
		return
	}
	b.watcher.Watch(s)
	c.writeFirst(first)
}

// serveHandler streams to a registered client until the stream ends.
//
// The handlers' stacks are much of what a client over HTTP/2 costs. What needs a deep stack is
// done elsewhere, so that theirs stay at 4 KiB: that is why the first writer is a goroutine of its own.
func (c *client) serveHandler(h *transport.Handler, r *http.Request, first []byte) {
	go c.writeFirst(first)
	why := h.Wait(r, func() { c.broker.endSoon(c) }) // A deadline of the request's context ends the stream cleanly.
	c.ConnectionEnded(why)
	h.Finish(why, c.users.Wait)
}

// answersWithStream reports whether a request gets a stream, by its method, and sets the stream's header then.
// Otherwise it has answered the request.
func answersWithStream(w http.ResponseWriter, r *http.Request) bool {
	header := w.Header()
	allowReaders(header)
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodOptions:
		answerPreflight(w, r)
		return false
	default:
		header.Set("Allow", "GET, HEAD, OPTIONS")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return false
	}
	// Without the charset, which section 9.2.3 allows, a browser that shows the raw stream and Python's
	// requests take it for Latin-1. docs/questions.md says which clients were tried.
	header.Set("Content-Type", "text/event-stream; charset=utf-8")
	header.Set("Cache-Control", "no-cache, no-transform") // Cloudflare and others would compress otherwise.
	header.Set("X-Accel-Buffering", "no")                 // nginx would wait for a full buffer otherwise.
	return r.Method == http.MethodGet
}
