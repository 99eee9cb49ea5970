package program

import (
	"errors"
	"net/http"
	"sync/atomic"

	"example.com/sse/internal/rights"
)

// A reason is why a request is refused: a [rights.Reason], which is about its token, or one of those that follow.
type reason int

const (
	noToken     reason = reason(rights.Reasons) + iota
	twoTokens          // the request has more than one
	noRight            // the token is good, but not for this topic
	otherOrigin        // a page has sent it whose origin may not publish
	badEvent           // what is to be published can't be
	unavailable        // the source has not taken the event

	reasons // how many there are
)

// String returns the reason's name in figures, such as "no_token".
func (r reason) String() string {
	if int(r) < rights.Reasons {
		return rights.Reason(r).String()
	}
	return [...]string{"no_token", "two_tokens", "no_right", "other_origin", "bad_event", "unavailable"}[r-noToken]
}

// status returns the status with which a reason is answered, and the challenge where another token may help (RFC 6750,
// section 3). It is never called for badEvent and unavailable, since an sse.Publisher answers those. The last line is for
// each rights.Reason.
func (r reason) status() (status int, challenge string) {
	switch r {
	case noToken: // without an error code, by section 3.1
		return http.StatusUnauthorized, "Bearer"
	case twoTokens:
		return http.StatusBadRequest, `Bearer error="invalid_request"`
	case noRight:
		return http.StatusForbidden, `Bearer error="insufficient_scope"`
	case otherOrigin:
		return http.StatusForbidden, ""
	}
	return http.StatusUnauthorized, `Bearer error="invalid_token"`
}

// A refusal is why a request is refused, and the line that says so. The line names neither a token nor a topic.
type refusal struct {
	reason reason
	line   string
}

// refusalOf returns the refusal for an error of [rights.Keys.Verify].
func refusalOf(err error) *refusal {
	why := rights.Malformed
	if refused := (*rights.Error)(nil); errors.As(err, &refused) {
		why = refused.Reason
	}
	return &refusal{reason(why), err.Error()}
}

// refusalCounts are how many requests were refused, by reason.
type refusalCounts [reasons]atomic.Int64

// answer answers a request that is refused, and counts it.
func (c *refusalCounts) answer(w http.ResponseWriter, refused *refusal) {
	c[refused.reason].Add(1)
	status, challenge := refused.reason.status()
	if challenge != "" {
		w.Header().Set("WWW-Authenticate", challenge)
	}
	http.Error(w, refused.line, status)
}

// countStatus counts a request to publish that sse.Publisher itself has refused, before or after it asked Authorize, by the
// status of its answer. A status below 400 is no refusal.
func (c *refusalCounts) countStatus(status int) {
	switch {
	case status == http.StatusForbidden:
		c[otherOrigin].Add(1) // sse.Publisher asks the browser where a page comes from.
	case status >= 500:
		c[unavailable].Add(1)
	case status >= 400:
		c[badEvent].Add(1)
	}
}

// Refused returns how many requests were refused since the start, by reason.
func (p *Rights) Refused() map[string]int64 {
	refused := make(map[string]int64, reasons)
	for r := range reasons {
		refused[r.String()] = p.refused[r].Load()
	}
	return refused
}
