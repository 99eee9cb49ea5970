package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kataras/iris/v12"
	"github.com/kataras/iris/v12/middleware/jwt"
)

var guardSecret = []byte("0123456789abcdef0123456789abcdef")

const guardIssuer = "https://login.example"

// guardToken returns a JSON Web Token, signed with a key, from an issuer, with a life in seconds; 0 is without an end.
func guardToken(key []byte, issuer, user string, seconds int64) string {
	claims := jwt.Claims{Issuer: issuer, Subject: user}
	if seconds != 0 {
		claims.Expiry = time.Now().Unix() + seconds
	}
	token, err := jwt.Sign(jwt.HS256, key, map[string]string{"role": accounts[user].Role}, claims)
	if err != nil {
		panic(err) // The test's own mistake.
	}
	return string(token)
}

func header(name, value string) http.Header { return http.Header{name: {value}} }

func basic(user, password string) http.Header {
	r := &http.Request{Header: make(http.Header)}
	r.SetBasicAuth(user, password)
	return r.Header
}

// noToken are headers with what is no token of the app's, in a header or a cookie.
func noToken(as func(token string) http.Header) []http.Header {
	// The claims of a good token without a signature ("alg": "none"), and with another's.
	parts := strings.Split(guardToken(guardSecret, guardIssuer, "anna", 3600), ".")
	const algNone = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0"
	forged := strings.Split(guardToken(guardSecret, guardIssuer, "bert", 3600), ".")[2]
	return []http.Header{
		as(""), as("x"), as("a.b.c"),
		as(algNone + "." + parts[1] + "."), as(algNone + "." + parts[1] + "." + parts[2]), as(parts[0] + "." + parts[1] + "." + forged),
		as(guardToken([]byte("another secret of thirty-two bytes"), guardIssuer, "anna", 3600)),
		as(guardToken(guardSecret, "https://other.example", "anna", 3600)),
		as(guardToken(guardSecret, guardIssuer, "anna", -60)), as(guardToken(guardSecret, guardIssuer, "anna", 0)), as(guardToken(guardSecret, guardIssuer, "", 3600)),
	}
}

func inCookie(token string) http.Header { return header("Cookie", "token="+token) }
func inHeader(token string) http.Header { return header("Authorization", "Bearer "+token) }

// protectByToken is guard.protect for Iris's jwt.
func protectByToken(_ *guardedApp, app *iris.Application) func(iris.Context) (account, time.Time) {
	type claims struct {
		Role string `json:"role"`
	}
	verifier := jwt.NewVerifier(jwt.HS256, guardSecret)
	verifier.Extractors = []jwt.TokenExtractor{jwt.FromHeader, func(ctx iris.Context) string { return ctx.GetCookie("token") }}
	app.Use(verifier.Verify(func() any { return new(claims) }, jwt.Expected{Issuer: guardIssuer}))
	return func(ctx iris.Context) (account, time.Time) {
		token := jwt.GetVerifiedToken(ctx).StandardClaims
		if token.Expiry == 0 || token.Subject == "" {
			ctx.StopWithStatus(iris.StatusUnauthorized)
			return account{}, time.Time{}
		}
		return account{token.Subject, "", jwt.Get(ctx).(*claims).Role}, token.ExpiresAt()
	}
}

// tokenFor is guard.credentials for Iris's jwt.
func tokenFor(as func(token string) http.Header) func(*testing.T, *guardedApp, string) http.Header {
	return func(_ *testing.T, a *guardedApp, user string) http.Header {
		return as(guardToken(guardSecret, guardIssuer, user, int64(a.life/time.Second)))
	}
}
