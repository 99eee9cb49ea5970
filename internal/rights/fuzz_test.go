package rights

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

// FuzzVerify takes any text for a token. Only one that the secret has signed may be accepted.
func FuzzVerify(f *testing.F) {
	good := signHS256(f, claims)
	for _, seed := range []string{good, good + "\n", "", "..", "e30.e30.", strings.ReplaceAll(good, ".", ".."), encode(`{"alg":"none"}`) + "." + encode(claims) + "."} {
		f.Add(seed)
	}
	var all strings.Builder
	for _, p := range pairs() {
		f.Add(p.token(f))
		all.WriteString(p.public)
	}
	withSecret, withPublic := load(f, secret, Options{}), load(f, all.String(), Options{})
	f.Fuzz(func(t *testing.T, token string) {
		for _, keys := range []*Keys{withSecret, withPublic} {
			got, err := keys.Verify(token, now)
			var refused *Error
			if err != nil && (!errors.As(err, &refused) || got.Subscribe != nil || got.Publish != nil) {
				t.Fatalf("%q: %+v, %v", token, got, err)
			}
			if err == nil && keys == withPublic && !slices.ContainsFunc(pairs(), func(p pair) bool { return signs(p.method, p.private.Public(), token) }) {
				t.Fatalf("%q is accepted with the public keys", token)
			}
			if err == nil && keys == withSecret && !signs(jwt.SigningMethodHS256, []byte(secret), token) {
				t.Fatalf("%q is accepted with the secret", token)
			}
		}
	})
}

// signs reports whether a token is signed with a key. Nothing but the token's text is looked at.
func signs(method jwt.SigningMethod, key any, token string) bool {
	dot := strings.LastIndex(token, ".")
	signature, err := base64.RawURLEncoding.DecodeString(token[dot+1:])
	return err == nil && dot > 0 && method.Verify(token[:dot], signature, key) == nil
}

// FuzzClaims signs any claims. What is accepted is compared with another reading of them.
func FuzzClaims(f *testing.F) {
	for _, seed := range []string{claims, `{"exp":1795348692.5,"nbf":1795345092,"aud":["sse"],"iss":"me","sse":{"subscribe":[""]}}`,
		`{"exp":1795348692,"aud":"sse","iss":"me","sse":{"publish":["a/*"],"subscribe":null}}`,
		`{"exp":1e10,"aud":"sse","iss":"me","sse":null}`, `{"exp":"1795348692"}`, `{"exp":1,"exp":1795348692}`, `null`, `[]`, "{\"exp\":1795348692,\"\xff\":1}"} {
		f.Add(seed)
	}
	o := Options{Audience: "sse", Issuer: "me"}
	f.Fuzz(func(t *testing.T, claims string) {
		got, err := o.check([]byte(claims), now)
		if err != nil {
			var refused *Error
			if !errors.As(err, &refused) || int(refused.Reason) >= Reasons || refused.Reason.String() == "" {
				t.Fatalf("%q: %v", claims, err)
			}
			return
		}
		var read struct {
			Exp, Nbf float64
			Iss      string
			Aud      any
			SSE      struct{ Subscribe, Publish []string }
		}
		if !json.Valid([]byte(claims)) {
			return // The parser has refused it before.
		}
		if err := json.Unmarshal([]byte(claims), &read); err != nil {
			t.Fatalf("%q is accepted, but %v", claims, err)
		}
		if read.Iss != "me" || !slices.Equal(got.Subscribe, read.SSE.Subscribe) || !slices.Equal(got.Publish, read.SSE.Publish) {
			t.Fatalf("%q is accepted as %+v", claims, got)
		}
		if at := float64(now.Unix()); read.Exp <= at || read.Nbf > at+5 || !got.Expires.After(now) {
			t.Fatalf("%q is accepted at %v", claims, now)
		}
	})
}
