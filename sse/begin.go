package sse

import (
	"container/list"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"example.com/sse/internal/text"
)

const (
	// maxLast is how many of each topic's last events a client may ask for.
	maxLast = 1000

	// maxEcho bounds, in bytes, how much of a last event ID a gap event repeats: a client may send any text.
	maxEcho = 100

	// unplaceable stands for a last event ID that can't be any event's: one that is no number. It is less than all others.
	unplaceable = noneLost
)

// A beginning is where a client's stream begins in its topics' histories, where that is not simply their
// ends. The client has its beginning until it is placed and, where a gap event is due, until that is pending.
type beginning struct {
	lastEventID string    // as the client sent it, cut to maxEcho; empty where the client does not resume
	id          int64     // of the last event that the client has got, or unplaceable
	last        int       // how many of each topic's last events a client gets that does not resume
	until       time.Time // how long the client waits for an event that this broker does not have yet; zero where it does not wait

	// Of a client that the archive has something for:

	queued *list.Element // the client's place in the queue for the archive; nil where it does not wait there
	replay *replay       // the client's turn; nil where it has none
	read   int64         // the ID up to which the archive has nothing more for the client; unplaceable before its first turn has ended
	gapDue bool          // the archive lacks something, and the client was not told yet
	told   bool          // the client was told of a gap, and is counted

	gap []byte // the gap event that the client gets before the histories' events; nil for none
}

// beginningOf returns where the stream of a request begins, nil for at the end; wanted is [Stream.Last].
func beginningOf(header http.Header, query url.Values, wanted int) (*beginning, error) {
	last := min(wanted, maxLast)
	if query.Has("last") {
		n, err := strconv.Atoi(query.Get("last"))
		if err != nil || n < 1 || n > maxLast {
			return nil, fmt.Errorf("last, the number of each topic's last events, is a number from 1 to %d", maxLast)
		}
		if wanted == 0 {
			last = n
		}
	}
	if id := lastEventID(header, query); id != "" {
		return resumeAfter(id), nil
	}
	if last > 0 {
		return &beginning{last: last}, nil
	}
	return nil, nil
}

// lastEventID returns the last event ID that a request names, or nothing.
func lastEventID(header http.Header, query url.Values) string {
	if id := header.Get("Last-Event-ID"); id != "" {
		return id
	}
	return query.Get("lastEventId") // A new EventSource can't send the header.
}

// resumeAfter returns the beginning of a client that names a last event ID, which may be any text.
func resumeAfter(lastEventID string) *beginning {
	id, err := strconv.ParseInt(lastEventID, 10, 64)
	if err != nil {
		id = unplaceable
	}
	// A copy: what the client has sent may be a piece of a long line.
	echo := strings.Clone(strings.ToValidUTF8(lastEventID[:min(len(lastEventID), maxEcho)], string(utf8.RuneError)))
	return &beginning{lastEventID: echo, id: id, read: unplaceable}
}

// resumes tells whether the client has named a last event ID.
func (from *beginning) resumes() bool { return from != nil && from.lastEventID != "" }

// gapEvent returns the event by which a client learns that some events of its topics are missing: they came after its
// last event ID, and before the first event that it gets, whose ID is nil where that is yet to be published. The gap
// event has no ID, so that the client's last event ID stays what it was (WHATWG HTML, section 9.2.6).
func gapEvent(after string, before *int64) []byte {
	// JSON leaves neither a line break nor bytes that are not UTF-8.
	data, _ := json.Marshal(struct {
		LastEventID string `json:"lastEventId"`
		First       *int64 `json:"first"`
	}{after, before})
	return fmt.Appendf(nil, "event: gap\ndata: %s\n\n", data)
}

// refuse answers 400 to a request, and says why. The answer lacks the header fields that only a stream has.
func refuse(w http.ResponseWriter, err error) {
	header := w.Header()
	header.Del("X-Accel-Buffering")
	header.Del("Cache-Control")
	http.Error(w, err.Error(), http.StatusBadRequest)
}

// maxTopicsByQuery and maxTopics bound how many topics a stream has, by its request's query and in all.
const maxTopicsByQuery, maxTopics = 100, 10_000

// topicsOf returns the topics that a stream has, each once.
func topicsOf(query url.Values, wanted []string) ([]string, error) {
	most := maxTopics
	if wanted == nil {
		most = maxTopicsByQuery
		wanted = query["topic"]
		if len(wanted) == 0 {
			return []string{""}, nil
		}
	}
	if len(wanted) > most {
		return nil, fmt.Errorf("%d topics are too many for a stream: at most %d", len(wanted), most)
	}
	topics := make([]string, 0, len(wanted))
	seen := make(map[string]bool, len(wanted))
	for _, name := range wanted {
		if !text.IsTopic(name) {
			return nil, fmt.Errorf("a topic is not one line of UTF-8 without control characters, of at most %d bytes", maxTopic)
		}
		if !seen[name] {
			seen[name] = true
			topics = append(topics, name)
		}
	}
	return topics, nil
}
