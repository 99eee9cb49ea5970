package program

import (
	"net/http"
	"strings"
)

// credentials are a request's token, and how it was sent.
type credentials struct {
	token    string
	byCookie bool
}

// credentialsOf returns the token of a request, from the header "Authorization: Bearer TOKEN" (RFC 6750, section 2.1)
// or the cookie, or why no token counts:
//
//   - A token in the URL does not count, since URLs are logged.
//   - Two tokens, even two that are the same, are refused: which of them counts would be a guess (section 2), and
//     another site below the same domain can add a cookie to those of this one.
//   - The header with another scheme, as a proxy in front may pass it on, has no token.
func (p *Rights) credentialsOf(r *http.Request) (sent credentials, refused *refusal) {
	var tokens []credentials
	for _, value := range r.Header.Values("Authorization") {
		scheme, token, _ := strings.Cut(value, " ")
		if strings.EqualFold(scheme, "Bearer") {
			tokens = append(tokens, credentials{strings.Trim(token, " "), false})
		}
	}
	if p.Cookie != "" {
		for _, cookie := range r.CookiesNamed(p.Cookie) {
			tokens = append(tokens, credentials{cookie.Value, true})
		}
	}
	switch {
	case len(tokens) == 0:
		return sent, &refusal{noToken, "a token is needed"}
	case len(tokens) > 1:
		return sent, &refusal{twoTokens, "the request has two tokens: send one"}
	}
	return tokens[0], nil
}
