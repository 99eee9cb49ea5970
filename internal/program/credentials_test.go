package program

import (
	"testing"
)

func TestTokenComesInTheHeaderOrInTheCookieAndNeverInTheURL(t *testing.T) {
	for _, test := range []struct {
		name, query string
		header      []string
		token       string
		byCookie    bool
		refused     string
	}{
		{"the header", "", []string{"Authorization", "Bearer abc"}, "abc", false, ""},
		{"the scheme in any case", "", []string{"Authorization", "bEARER  abc "}, "abc", false, ""},
		{"the cookie", "", []string{"Cookie", "a=b; sse=abc; c=d"}, "abc", true, ""},
		{"the cookie in quotation marks", "", []string{"Cookie", `sse="abc"`}, "abc", true, ""},
		{"the cookie, and another scheme for a proxy in front", "", []string{"Cookie", "sse=abc", "Authorization", "Basic YTpi"}, "abc", true, ""},
		{"no token", "", nil, "", false, "no_token"},
		{"another cookie", "", []string{"Cookie", "SSE=abc; sse2=abc"}, "", false, "no_token"},
		{"the scheme alone", "", []string{"Authorization", "Bearer"}, "", false, ""}, // a token that is none
		{"another scheme", "", []string{"Authorization", "Token abc"}, "", false, "no_token"},
		{"the token alone", "", []string{"Authorization", "abc"}, "", false, "no_token"},
		{"the URL", "access_token=abc&token=abc&sse=abc&jwt=abc&authorization=Bearer%20abc&Authorization=Bearer%20abc", nil, "", false, "no_token"},
		{"the URL and the header", "access_token=abc", []string{"Authorization", "Bearer def"}, "def", false, ""},
		{"the header and the cookie", "", []string{"Authorization", "Bearer abc", "Cookie", "sse=abc"}, "", false, "two_tokens"},
		{"two headers", "", []string{"Authorization", "Bearer abc", "Authorization", "Bearer abc"}, "", false, "two_tokens"},
		{"two cookies", "", []string{"Cookie", "sse=abc; sse=def"}, "", false, "two_tokens"},
		{"two headers of cookies", "", []string{"Cookie", "sse=abc", "Cookie", "sse=abc"}, "", false, "two_tokens"},
		{"two headers, one of another scheme", "", []string{"Authorization", "Basic YTpi", "Authorization", "Bearer abc"}, "abc", false, ""},
	} {
		p := &Rights{Cookie: "sse"}
		got, refused := p.credentialsOf(newRequest("GET", test.query, test.header...))
		if got.token != test.token || got.byCookie != test.byCookie || reasonOf(refused) != test.refused {
			t.Errorf("%s: %+v, refused for %q", test.name, got, reasonOf(refused))
		}
		p.Cookie = "" // By default there is none.
		if got, _ := p.credentialsOf(newRequest("GET", test.query, test.header...)); got.byCookie {
			t.Errorf("%s: a cookie without a name counts: %+v", test.name, got)
		}
	}
}
