package program

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/kataras/iris/v12"
)

// allowOrigins says which pages of other origins may read an answer (Fetch Standard, "CORS protocol"):
//
//   - pages of the origins in p.Origins read all answers, and browsers send their cookies along;
//   - all other pages read what everybody may read, which is all but the answers about publishing.
//
// An sse.Publisher lets a page publish where the answer names the page's origin.
func (p *Rights) allowOrigins(ctx iris.Context) {
	r, header := ctx.Request(), ctx.ResponseWriter().Header()
	if len(p.Origins) > 0 {
		header.Add("Vary", "Origin")
	}
	switch {
	case p.hasNamedOrigin(r):
		header.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
		header.Set("Access-Control-Allow-Credentials", "true")
	case r.Method != http.MethodPost && r.Header.Get("Access-Control-Request-Method") != http.MethodPost:
		header.Set("Access-Control-Allow-Origin", "*") // with which browsers send no cookies
	}
}

// hasNamedOrigin reports whether a request comes from a page of an origin in p.Origins.
func (p *Rights) hasNamedOrigin(r *http.Request) bool {
	return slices.Contains(p.Origins, r.Header.Get("Origin"))
}

// trustsOrigin reports whether a page of the server's own origin, or of one in p.Origins, has sent a request: a browser
// adds cookies to what any page sends. A request whose browser does not say where its page comes from is not trusted.
// Over HTTPS and to localhost browsers say it in Sec-Fetch-Site (W3C, "Fetch Metadata Request Headers"). Elsewhere the
// header Origin is compared with Host, so behind a proxy that sets Host, over plain HTTP, p.Origins has to name the origin.
func (p *Rights) trustsOrigin(r *http.Request) bool {
	if p.hasNamedOrigin(r) {
		return true
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == "same-origin"
	}
	origin, err := url.Parse(r.Header.Get("Origin"))
	isOwnHost := err == nil && origin.Host != "" && strings.EqualFold(origin.Host, r.Host)
	return isOwnHost && (r.TLS == nil || origin.Scheme == "https")
}
