package program

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"example.com/sse/internal/rights"
	"example.com/sse/sse"

	"github.com/kataras/iris/v12"
)

// Rights decide which streams a request gets, and what it publishes: by JSON Web Tokens, which Keys verify,
// and by PublishToken, which may publish everything. The zero value lets everybody read everything, and
// nobody publish. Methods are safe for concurrent use as long as nobody changes the fields.
type Rights struct {
	// Keys verify JSON Web Tokens. Nil means that there are none, and that all topics are open.
	Keys *rights.Keys

	// Cookie is the name of the cookie in which a token may come, for an EventSource, which can't set headers.
	// Empty means none.
	Cookie string

	// CloseDefault has the default topic need a token, too: one that may subscribe to the topic "".
	CloseDefault bool

	// PublishToken returns the token that may publish to every topic. Nil means that there is none.
	PublishToken func() string

	// Origins are those whose pages may publish, and may send cookies along, beside the server's own.
	Origins []string

	refused   refusalCounts
	published publicationCounts
}

const (
	// maxTopicsOfURL is how many topics a broker takes from a URL: package sse's own bound.
	maxTopicsOfURL = 100

	// maxSpread bounds how much earlier than its token expires a stream ends: see endOf.
	maxSpread = 10 * time.Second
)

// MayPublish reports whether anybody may publish.
func (p *Rights) MayPublish() bool { return p.Keys != nil || p.PublishToken != nil }

// String says which topics need a token.
func (p *Rights) String() string {
	switch {
	case p.Keys == nil:
		return "all topics are open"
	case p.CloseDefault:
		return "all topics need a token"
	}
	return "all topics but the default one need a token"
}

// Streams returns a handler that serves a broker's streams to those who may have them. Until the broker stops, the
// keys are followed, so that the streams of a key that is gone end.
func (p *Rights) Streams(broker *sse.Broker) iris.Handler {
	if p.Keys == nil {
		return func(ctx iris.Context) {
			p.allowOrigins(ctx)
			broker.ServeHTTP(ctx)
		}
	}
	go p.Keys.Follow(broker.Done())
	return func(ctx iris.Context) {
		p.allowOrigins(ctx)
		if ctx.Method() == http.MethodOptions {
			broker.ServeHTTP(ctx)
			return
		}
		stream, refused := p.stream(ctx.Request(), time.Now())
		if refused != nil {
			p.refused.answer(ctx.ResponseWriter(), refused)
			return
		}
		broker.ServeIris(ctx, stream)
	}
}

// stream returns the stream that a request gets now, or why it gets none. That is decided before the broker is
// asked, so the answer tells nothing of what there is in a topic.
func (p *Rights) stream(r *http.Request, now time.Time) (sse.Stream, *refusal) {
	topics := r.URL.Query()["topic"]
	if len(topics) == 0 {
		topics = []string{""}
	}
	if !slices.ContainsFunc(topics, p.isPrivate) {
		// No token is looked at: one that has ended, in a cookie say, must not close what is open to everybody.
		return sse.Stream{}, nil
	}
	sent, refused := p.credentialsOf(r)
	if refused != nil {
		return sse.Stream{}, refused
	}
	token, err := p.Keys.Verify(sent.token, now)
	if err != nil {
		return sse.Stream{}, refusalOf(err)
	}
	for _, topic := range topics {
		if p.isPrivate(topic) && !token.Subscribe.Allow(topic) {
			return sse.Stream{}, &refusal{noRight, "the token may not subscribe to each topic that the URL names"}
		}
	}
	stream := sse.Stream{Topics: topics, Until: endOf(token.Expires, now), Context: token.Revoked}
	if len(topics) > maxTopicsOfURL {
		// An app may name more topics than a URL may. Without Topics the broker reads them from the URL, and refuses them.
		stream.Topics = nil
	}
	return stream, nil
}

// isPrivate reports whether a stream of a topic needs a token.
func (p *Rights) isPrivate(topic string) bool {
	return p.Keys != nil && (topic != "" || p.CloseDefault)
}

// endOf returns when a stream ends whose token expires at a certain time: never after that time, and before it by a
// random part of a tenth of the token's remaining life, maxSpread at most. So the clients of a thousand tokens that
// were made in one minute do not all reconnect at one moment.
func endOf(expires, now time.Time) time.Time {
	spread := min(max(0, expires.Sub(now)/10), maxSpread)
	return expires.Add(-rand.N(spread + 1))
}

// Publishing returns a handler that publishes the events of those who may, and counts its answers.
func (p *Rights) Publishing(publish func(context.Context, sse.Event) error) iris.Handler {
	return func(ctx iris.Context) {
		p.allowOrigins(ctx)
		counted := false // Authorize has refused the request, and counted it
		sse.PublishHandler(sse.Publisher{Publish: publish, Authorize: func(w http.ResponseWriter, r *http.Request, topic string) bool {
			refused := p.refusePublishing(r, topic, time.Now())
			if refused != nil {
				p.refused.answer(w, refused)
				counted = true
			}
			return refused == nil
		}})(ctx)
		if !counted {
			p.refused.countStatus(ctx.GetStatusCode())
		}
		if ctx.Method() == http.MethodPost {
			p.published.count(ctx.GetStatusCode())
		}
	}
}

// refusePublishing returns why a request may not publish to a topic now, or nil where it may.
func (p *Rights) refusePublishing(r *http.Request, topic string, now time.Time) *refusal {
	sent, refused := p.credentialsOf(r)
	switch {
	case refused != nil:
		return refused
	case sent.byCookie && !p.trustsOrigin(r):
		return &refusal{otherOrigin, "who publishes by a cookie needs the header Origin of a page that may"}
	case !sent.byCookie && p.isPublishToken(sent.token):
		return nil
	case p.Keys == nil:
		return &refusal{reason(rights.WrongKey), "the token is wrong"}
	}
	token, err := p.Keys.Verify(sent.token, now)
	if err != nil {
		return refusalOf(err)
	}
	if !token.Publish.Allow(topic) {
		return &refusal{noRight, "the token may not publish to this topic"}
	}
	return nil
}

// isPublishToken reports whether a token is the one that may publish everything.
func (p *Rights) isPublishToken(token string) bool {
	if p.PublishToken == nil {
		return false
	}
	// Hashing hides the token's length, too: all hashes have one length.
	got, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(p.PublishToken()))
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1
}
