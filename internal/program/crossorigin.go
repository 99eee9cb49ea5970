package program

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/kataras/iris/v12"
)

// allowOrigins says which pages of other origins may read an answer (Fetch Standard, "CORS protocol"): those of the
// origins that are named, to which browsers send cookies, too, and of all others what everybody may read.
// sse.Publisher lets those pages publish whose origin the answer names.
func (p *Rights) allowOrigins(ctx iris.Context) {
	r, header := ctx.Request(), ctx.ResponseWriter().Header()
	if len(p.Origins) > 0 {
		header.Add("Vary", "Origin")
	}
	switch {
	case p.names(r):
		header.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
		header.Set("Access-Control-Allow-Credentials", "true")
	case r.Method != http.MethodPost && r.Header.Get("Access-Control-Request-Method") != http.MethodPost:
		header.Set("Access-Control-Allow-Origin", "*") // with which browsers send no cookies
	}
}

// names reports whether the request's origin is one of those named.
func (p *Rights) names(r *http.Request) bool {
	return slices.Contains(p.Origins, r.Header.Get("Origin"))
}

// trusts reports whether a page of the server's own origin, or of one that is named, has sent a request: a browser
// adds cookies to what any page sends. A request is not trusted unless the browser says where its page comes from: in
// Sec-Fetch-Site over HTTPS and to localhost (W3C, "Fetch Metadata Request Headers"). Elsewhere the header Origin is
// compared with Host, so behind a proxy that sets Host, over plain HTTP, the origin has to be named.
func (p *Rights) trusts(r *http.Request) bool {
	if p.names(r) {
		return true
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == "same-origin"
	}
	origin, err := url.Parse(r.Header.Get("Origin"))
	return err == nil && origin.Host != "" && strings.EqualFold(origin.Host, r.Host) && (r.TLS == nil || origin.Scheme == "https")
}
