package sse

import (
	"net/http"
	"slices"
	"strings"
)

// corsHeaders are the request headers that a page of another origin may send: what clients of an event
// stream set, what frameworks add to every request, and what browsers' tracing adds (W3C Trace
// Context and Baggage). The asterisk stands for all others where a page sends no cookies; it never
// stands for Authorization (Fetch Standard, "CORS-preflight fetch").
const corsHeaders = "*, Authorization, Cache-Control, Last-Event-ID, Content-Type, X-Requested-With, traceparent, tracestate, baggage"

// setDefault sets a header of an answer, unless the app or its middleware has.
func setDefault(h http.Header, name, value string) {
	if len(h.Values(name)) == 0 {
		h.Set(name, value)
	}
}

// allowReaders lets the pages of every origin read an answer, unless the app has said which may. A
// middleware that does so leaves out the header for all others, and says that the answer depends on the origin.
func allowReaders(h http.Header) {
	if !varies(h, "Origin") {
		setDefault(h, "Access-Control-Allow-Origin", "*")
	}
}

// answerPreflight answers an OPTIONS request for a page of another origin: such a page may read at most.
// The answer to a preflight for POST allows no header, which is what refuses the POST:
// Access-Control-Allow-Methods never forbids GET, HEAD and POST (Fetch Standard,
// "CORS-safelisted method").
func answerPreflight(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	setDefault(h, "Access-Control-Allow-Methods", "GET")
	switch r.Header.Get("Access-Control-Request-Method") {
	case "", http.MethodGet, http.MethodHead:
		setDefault(h, "Access-Control-Allow-Headers", corsHeaders)
	}
	w.WriteHeader(http.StatusNoContent)
}

// mayPublish reports whether a page of the request's origin may publish: where the app has set the
// header that lets a page read the answer, that decides, and otherwise whether the origin is one
// of origins. In the latter case mayPublish sets that header: a page that can't read the answer to what it has
// published takes that for an error, and publishes it again.
func mayPublish(h http.Header, r *http.Request, origins []string) bool {
	const allow = "Access-Control-Allow-Origin"
	origin := r.Header.Get("Origin")
	if said := h.Get(allow); said != "" {
		return said == origin || said == "*"
	}
	if len(origins) == 0 {
		return false
	}
	varyBy(h, "Origin")
	if !slices.Contains(origins, origin) {
		return false
	}
	h.Set(allow, origin)
	return true
}

// varies reports whether an answer is said to depend on a header of the request (RFC 9110, section 12.5.5).
func varies(h http.Header, name string) bool {
	for member := range strings.SplitSeq(strings.Join(h.Values("Vary"), ","), ",") {
		if strings.EqualFold(strings.TrimSpace(member), name) {
			return true
		}
	}
	return false
}

// varyBy says that an answer depends on a header of the request.
func varyBy(h http.Header, name string) {
	if !varies(h, name) {
		h.Set("Vary", strings.Join(append(h.Values("Vary"), name), ", "))
	}
}

// answerPublishingPreflight answers an OPTIONS request for a page that may publish.
func answerPublishingPreflight(w http.ResponseWriter) {
	h := w.Header()
	setDefault(h, "Access-Control-Allow-Methods", "GET, POST")
	setDefault(h, "Access-Control-Allow-Headers", corsHeaders+", "+nameHeader)
	w.WriteHeader(http.StatusNoContent)
}

// isFromOtherOrigin reports whether a browser says that a page of another origin has sent a request
// (W3C, "Fetch Metadata Request Headers"). Browsers say so over HTTPS, and to localhost. Comparing the
// headers Origin and Host would refuse pages of the same origin behind a proxy that sets Host.
func isFromOtherOrigin(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "cross-site" || site == "same-site"
}
