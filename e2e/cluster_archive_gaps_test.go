package e2e

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
)

// dataOf returns the data of one of these events: those of publishInTurn from 0 on, and of the topic few before.
func dataOf(i int64) string {
	if i < 0 {
		return fmt.Sprint("few ", i)
	}
	return fmt.Sprintf("%d %d x", i%3, i/3)
}

// What a stream has deleted is told to whoever lacks it, whatever has deleted it, and as far as it can be known to nobody else.
func TestClientsAreToldOfWhatTheStreamHasDeleted(t *testing.T) {
	t.Parallel()
	// A resume is that of a client of a topic after an event, and what it gets first. Both events are numbers: those of
	// the topics many/0 to many/2 in turn from 0 on, and before these -15 to -1 of the topic few.
	type resume struct {
		topic        string
		after, first int64
		gap          bool
	}
	const few, events, zero = 15, 1000, -1000 // the last event ID 0
	for _, test := range []struct {
		what    string
		config  jetstream.StreamConfig
		delete  func(stream jetstream.Stream, first int64) error
		resumes []resume
	}{
		{"nothing is deleted", jetstream.StreamConfig{}, nil, []resume{
			{"many/0", 0, 3, false}, {"many/0", -1, 0, false}, {"many/1", zero, 1, false}, {"few", -14, -13, false}, {"few", zero, -15, false}}},
		{"a limit of messages", jetstream.StreamConfig{MaxMsgs: 601}, nil, []resume{
			{"many/0", 399, 402, false}, {"many/0", 398, 402, true}, {"many/1", 0, 400, true}, {"many/2", zero, 401, true}}},
		{"a limit of each subject", jetstream.StreamConfig{MaxMsgsPerSubject: 200}, nil, []resume{
			{"many/0", 402, 405, false}, {"many/0", 401, 402, false}, {"many/0", 400, 402, true}, {"many/2", 0, 401, true}, {"few", -14, -13, false}}},
		{"a limit of each subject and one of messages", jetstream.StreamConfig{MaxMsgsPerSubject: 200, MaxMsgs: 551}, nil, []resume{
			{"many/0", 453, 456, false}, {"many/0", 400, 450, true}, {"many/2", 0, 452, true}}},
		{"other subjects", jetstream.StreamConfig{Subjects: []string{"sse.events", "sse.events.>", "other"}}, nil, []resume{
			{"many/0", 0, 3, false}, {"few", -14, -13, false}}},
		{"somebody deletes a message", jetstream.StreamConfig{}, func(stream jetstream.Stream, first int64) error {
			return stream.DeleteMsg(t.Context(), uint64(first+250))
		}, []resume{{"many/0", 250, 252, false}, {"many/0", 249, 252, true}, {"few", -14, -13, true}}},
		{"somebody purges what is old", jetstream.StreamConfig{}, func(stream jetstream.Stream, first int64) error {
			return stream.Purge(t.Context(), jetstream.WithPurgeSequence(uint64(first+300)))
		}, []resume{{"many/0", 299, 300, false}, {"many/0", 298, 300, true}, {"many/1", 0, 301, true}}},
	} {
		t.Run(test.what, func(t *testing.T) {
			t.Parallel()
			n := startNATS(t)
			js := jetStream(t, n.client)
			stream := createStream(t, js, test.config)
			s := n.serve(shortHistory...)
			for i := range few {
				publishOn(t, js, "sse.events.few", dataOf(int64(i-few)))
			}
			first := publishInTurn(t, js, 3, events, "x")
			waitForSequence(t, s, publishOn(t, js, "sse.events.end", "end"))
			if test.delete != nil {
				if err := test.delete(stream, first); err != nil {
					t.Fatal(err)
				}
			}
			for _, r := range test.resumes {
				got := checkCompleteUntil(t, s, r.topic, max(0, first+r.after), !r.gap, "end")
				if len(got) == 0 || got[0] != dataOf(r.first) {
					t.Errorf("%s after %d: got %q, want %q first", r.topic, r.after, got[:min(len(got), 3)], dataOf(r.first))
				}

			}
		})
	}
}

// What the stream deletes while a slow client is given what it lacks is a gap that the client is told of.
func TestClientIsToldOfWhatTheStreamDeletesWhileItReads(t *testing.T) {
	t.Parallel()
	const kept, more = 4000, 3500 // so that some of what is deleted was not read, and some of what was there is left
	n := startNATS(t)
	js := jetStream(t, n.client)
	createStream(t, js, jetstream.StreamConfig{MaxMsgs: kept})
	s := n.serve(shortHistory...)
	first := publishInTurn(t, js, 1, kept, strings.Repeat("x", 5000)) // more than buffers hold
	waitForSequence(t, s, first+kept-1)
	var got, gaps int
	for after := first; after < first+kept+more-1; {
		p, leave := parse(t, streaming, s.url+"/events?topic=many/0", fmt.Sprint(after))
		p.LastID = after
		for after < first+kept+more-1 {
			told := len(p.Gaps)
			e, err := p.Next()
			if err == io.EOF {
				break // The archive has noticed it.
			}
			if err != nil {
				t.Fatal(err)
			}
			if isTold := len(p.Gaps) > told; e.ID > after+1 != isTold {
				t.Errorf("event %d follows %d, and the client was told of a gap: %t", e.ID-first, after-first, isTold)
			}
			gaps += len(p.Gaps) - told
			after = e.ID
			if got++; got == 10 {
				publishInTurn(t, js, 1, more, "x")
				waitForSequence(t, s, first+kept+more-1)
			}
		}
		leave()
	}
	if gaps != 1 {
		t.Errorf("%d gap events, want 1", gaps)
	}
}
