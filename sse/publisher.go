package sse

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"example.com/sse/internal/text"
	"example.com/sse/internal/unread"
)

const (
	// nameHeader is the header of a request that has the event's name.
	nameHeader = "Sse-Event"

	// publishTimeout is how long publishing an event may take. 5 s of bodyTimeout and these 4 s are less than the
	// 10 s of package server's write timeout, after which no answer could be sent.
	publishTimeout = 4 * time.Second
)

// A Publisher is an http.Handler by which whoever has a token publishes events. Mount it for POST
// and, if pages of other origins are to publish, for OPTIONS; [PublishHandler] is the same for
// Iris. It is safe for concurrent use as long as nobody changes its fields.
//
// A request must carry the header "Authorization: Bearer TOKEN" (RFC 6750, section 2.1), unless Authorize
// decides. Its header Sse-Event, which may be absent, is the event's name, and its body the event's data. The parameter
// topic of its query is the event's topic, as in /events?topic=mail/anna; without it, or where it is empty,
// that is the default topic. Other parameters mean nothing. The event with
// the first line of a stream before it may take 64 KiB − 1 bytes on the wire, where each line of
// data begins with "data: ": clients that read with a buffer of 64 KiB would end at a longer one, and
// again at each replay.
//
// The answers, each but 204 with one line of text that says why:
//
//	status  when                                                             was it published?
//	204     Publish has returned nil                                         yes
//	204     to OPTIONS: what the page of another origin may do               no
//	400     the name is not one line of UTF-8 without control characters,    no
//	        the topic is not valid ([Event]), there is more than one of
//	        either, the query can't be read, or the body can't
//	401     the token is missing or wrong, whatever is in the body           no
//	403     a page of another origin that is not in Origins has sent it      no
//	405     the method is neither POST nor OPTIONS                           no
//	408     the body is not complete after 5 seconds                         no
//	413     the event would be too large on the wire                         no
//	415     the body is compressed, or has a charset other than UTF-8        no
//	503     Publish has returned an error, which is the line                 no, unless the line says
//	                                                                         that it may have been
//	507     Publish has returned an error that wraps [ErrFull], which is     no
//	        the line
//	any     Authorize has returned false, and answered                       no
//
// Publishing does not end when the client disconnects, but after 4 seconds. An answer that leaves a
// part of the body unread is sent at once. What the client still sends is then thrown away, for a
// second and up to 1 MiB, since closing the connection earlier would reset it (RFC 9112, section 9.6).
type Publisher struct {
	// Publish is [Broker.Publish], or another function that promises the same. There is no default.
	Publish func(context.Context, Event) error

	// Token is what a request must carry: letters, digits and -._~+/, and = at its end (RFC 6750,
	// section 2.1). The zero value lets nobody publish. Token means nothing where Authorize is set.
	Token string

	// Authorize decides, in place of Token, whether a request may publish to a topic: by a session's cookie, or
	// by what a middleware has found out, say. Where it returns false it has answered the request, with 401 or 403
	// and a line of text. It is called concurrently, before the body is read, which it must leave alone. Pages of other
	// origins are refused before, as long as the browser says where a page comes from, which over plain HTTP it
	// does to localhost alone: an Authorize that believes a cookie there must look at the header Origin itself.
	// Nil means that Token decides.
	Authorize func(w http.ResponseWriter, r *http.Request, topic string) bool

	// Origins are those, such as "https://example.com", whose pages may publish beside the pages of
	// the server's own origin. They are written as browsers send them: in lower case, without a path,
	// and without the scheme's default port. The zero value is none. Each answer to such a page has the
	// headers that let the page read it (Fetch Standard, "CORS protocol"). Where the app has set
	// Access-Control-Allow-Origin before, that header decides instead.
	Origins []string
}

// ServeHTTP publishes an event, as [Publisher] says.
func (p Publisher) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	unread.Serve(w, r, http.HandlerFunc(p.serve))
}

func (p Publisher) serve(w http.ResponseWriter, r *http.Request) {
	mayRead := !varies(w.Header(), "Origin") // as allowReaders asks, but before mayPublish, which may set Vary itself
	allowed := mayPublish(w.Header(), r, p.Origins)
	switch {
	case r.Method == http.MethodOptions && allowed && r.Header.Get("Access-Control-Request-Method") == http.MethodPost:
		answerPublishingPreflight(w)
		return
	case r.Method == http.MethodOptions:
		if mayRead {
			setDefault(w.Header(), "Access-Control-Allow-Origin", "*")
		}
		answerPreflight(w, r)
		return
	}
	if err := p.publish(w, r, allowed); err == answered {
		return
	} else if err != nil {
		for name, value := range err.header {
			w.Header().Set(name, value)
		}
		http.Error(w, err.line, err.status)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// A refusal is why a request publishes nothing.
type refusal struct {
	status int
	line   string
	header map[string]string
}

// answered is the refusal of a request that Authorize has answered.
var answered = new(refusal)

// publish publishes the event of a request.
func (p Publisher) publish(w http.ResponseWriter, r *http.Request, allowed bool) *refusal {
	switch {
	case r.Method != http.MethodPost:
		return &refusal{http.StatusMethodNotAllowed, "publish with POST", map[string]string{"Allow": "OPTIONS, POST"}}
	case !allowed && isFromOtherOrigin(r):
		return &refusal{http.StatusForbidden, "pages of this origin may not publish", nil}
	case p.Authorize == nil && !p.authorizes(r):
		return &refusal{http.StatusUnauthorized, "the token is missing or wrong", map[string]string{"WWW-Authenticate": "Bearer"}}
	}
	topic, err := topicToPublish(r)
	if err != nil {
		return err
	}
	if p.Authorize != nil && !p.Authorize(w, r, topic) {
		return answered
	}
	if err := checkEncoding(r.Header); err != nil {
		return err
	}
	e := Event{Topic: topic, Name: r.Header.Get(nameHeader)}
	if len(r.Header.Values(nameHeader)) > 1 || !text.IsLine(e.Name) {
		return &refusal{http.StatusBadRequest, "the header " + nameHeader + " is not one line of UTF-8 without control characters", nil}
	}
	if e.Data, err = readBody(w, r); err != nil {
		return err
	}
	if n := blockLen(e); n > maxBlock {
		return &refusal{http.StatusRequestEntityTooLarge, fmt.Sprintf("the event would take %d bytes on the wire, where each line of data "+
			"begins with \"data: \": at most %d are allowed", n, maxBlock), nil}
	}
	publishing, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), publishTimeout)
	defer cancel()
	if err := p.Publish(publishing, e); errors.Is(err, ErrFull) {
		return &refusal{http.StatusInsufficientStorage, err.Error(), nil}
	} else if err != nil {
		return &refusal{http.StatusServiceUnavailable, err.Error(), nil}
	}
	return nil
}

// authorizes reports whether a request carries the token.
func (p Publisher) authorizes(r *http.Request) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		token = ""
	}
	// Hashing hides the token's length, too: all hashes have one length.
	got, want := sha256.Sum256([]byte(strings.TrimLeft(token, " "))), sha256.Sum256([]byte(p.Token))
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1 && p.Token != ""
}
