package sse_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"example.com/sse/sse"

	"github.com/kataras/iris/v12"
	"github.com/kataras/iris/v12/middleware/basicauth"
	"github.com/kataras/iris/v12/middleware/jwt"
	"github.com/kataras/iris/v12/sessions"
)

// An account is a user as an app knows one.
type account struct{ Username, Password, Role string }

var accounts = []account{{"anna", "swordfish", "auditor"}, {"bert", "opensesame", "clerk"}}

// decide is the one function by which an app decides what a user gets: the own mail, the news, and with the role for it what the auditors
// read. It knows who is logged in and does not know the URL, in which anybody can write ?topic=mail/anna.
func decide(user, role string, until time.Time) sse.Stream {
	topics := []string{"mail/" + user, "news"}
	if role == "auditor" {
		topics = append(topics, "audit")
	}
	// The stream ends when what the user has shown does not count any more. The client reconnects by itself, with its last
	// event ID, and the app decides again.
	return sse.Stream{Topics: topics, Until: until}
}

// publishForAll publishes an event to each topic of the examples.
func publishForAll(broker *sse.Broker) {
	for i, topic := range []string{"mail/anna", "mail/bert", "audit", "news"} {
		broker.Publish(context.Background(), sse.Event{ID: int64(i + 1), Topic: topic, Data: []byte("to " + topic)})
	}
}

// ask sends a request that may have a header, and prints its status and so many events.
func ask(url string, events int, header ...string) {
	request, _ := http.NewRequest("GET", url, nil)
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, _ := (&http.Client{Timeout: time.Minute}).Do(request)
	fmt.Println(response.StatusCode)
	if events > 0 {
		lines := bufio.NewScanner(response.Body)
		lines.Scan() // the reconnection time
		printEvents(lines, events)
	}
}

// Iris's basicauth says who asks. A stream that is for a role alone answers 403 to others, and nobody gets any without a password.
func ExampleStream_basicAuth() {
	broker := sse.NewBroker()
	publishForAll(broker)

	app := iris.New()
	app.Use(basicauth.Default(accounts))
	app.Any("/events", func(ctx iris.Context) {
		user, _ := ctx.User().GetRaw()
		who := user.(account)
		// A password does not expire, but it may be changed, and a role be taken away: that counts within an hour.
		broker.ServeIris(ctx, decide(who.Username, who.Role, time.Now().Add(time.Hour)))
	})
	app.Any("/audit", func(ctx iris.Context) {
		user, _ := ctx.User().GetRaw()
		if user.(account).Role != "auditor" {
			ctx.StopWithText(iris.StatusForbidden, "this is for auditors")
			return
		}
		broker.ServeIris(ctx, sse.Stream{Topics: []string{"audit"}, Until: time.Now().Add(time.Hour)})
	})
	app.Build()
	server := httptest.NewServer(app)
	asBert := strings.Replace(server.URL, "://", "://bert:opensesame@", 1)

	ask(server.URL+"/events", 0)
	ask(asBert+"/events?topic=mail/anna&topic=audit&lastEventId=0", 2)
	ask(asBert+"/audit", 0)
	broker.Shutdown(context.Background())
	// Output:
	// 401
	// 200
	// data: to mail/bert
	// data: to news
	// 403
}

// Iris's jwt says who asks, by a JSON Web Token in the Authorization header or, since an EventSource can't set headers, in a cookie. The stream
// ends with the token.
func ExampleStream_webToken() {
	broker := sse.NewBroker()
	publishForAll(broker)
	secret := []byte("at least 32 bytes, from a file that nobody else can read")
	type claims struct {
		Role string `json:"role"`
	}

	verifier := jwt.NewVerifier(jwt.HS256, secret)
	// By default Iris takes a token from ?token=, too. But URLs end up in the logs of servers and proxies, in the browser's history and
	// in screenshots, and whoever reads them there could read the stream until the token expires.
	verifier.Extractors = []jwt.TokenExtractor{jwt.FromHeader, func(ctx iris.Context) string { return ctx.GetCookie("token") }}
	app := iris.New()
	// What else a token must say belongs here: Iris asks what NewVerifier was given only if there is a blocklist.
	app.Use(verifier.Verify(func() any { return new(claims) }, jwt.Expected{Issuer: "https://login.example"}))
	app.Any("/events", func(ctx iris.Context) {
		token := jwt.GetVerifiedToken(ctx).StandardClaims
		if token.Expiry == 0 || token.Subject == "" { // Iris takes a token that never expires.
			ctx.StopWithStatus(iris.StatusUnauthorized)
			return
		}
		broker.ServeIris(ctx, decide(token.Subject, jwt.Get(ctx).(*claims).Role, token.ExpiresAt()))
	})
	app.Build()
	server := httptest.NewServer(app)

	// Whoever logs users in makes a token such as this one.
	login := jwt.Claims{Issuer: "https://login.example", Subject: "anna", Expiry: time.Now().Add(time.Hour).Unix()}
	signed, _ := jwt.Sign(jwt.HS256, secret, claims{Role: "auditor"}, login)
	token := string(signed)

	ask(server.URL+"/events?lastEventId=0", 3, "Authorization", "Bearer "+token)
	ask(server.URL+"/events?lastEventId=0", 3, "Cookie", "token="+token)
	ask(server.URL+"/events?token="+token, 0)
	broker.Shutdown(context.Background())
	// Output:
	// 200
	// data: to mail/anna
	// data: to audit
	// data: to news
	// 200
	// data: to mail/anna
	// data: to audit
	// data: to news
	// 401
}

// A session's cookie says who asks, and the stream ends with the session. [sse.Stream.Context] would end it also when its user logs out.
func ExampleStream_session() {
	broker := sse.NewBroker()
	publishForAll(broker)

	// A page of another site can't use the cookie (SameSite), nor can a script read it (HttpOnly, which Iris always sets).
	strict := iris.CookieSameSite(iris.SameSiteStrictMode)
	manager := sessions.New(sessions.Config{Cookie: "session", Expires: time.Hour, DisableSubdomainPersistence: true})
	app := iris.New()
	app.Post("/login", func(ctx iris.Context) {
		for _, who := range accounts {
			if ctx.PostValue("user") == who.Username && ctx.PostValue("password") == who.Password {
				// A session of a new ID: Iris begins one under any ID that a request names, so somebody else may know the
				// old one. Without the second line Start would take the old ID again.
				manager.Destroy(ctx)
				ctx.Request().Header.Del("Cookie")
				manager.Start(ctx, strict).Set("user", who.Username)
				return
			}
		}
		ctx.StopWithStatus(iris.StatusUnauthorized)
	})
	app.Any("/events", func(ctx iris.Context) {
		if ctx.GetCookie("session") == "" { // Iris would begin a session for whoever comes.
			ctx.StopWithStatus(iris.StatusUnauthorized)
			return
		}
		session := manager.Start(ctx, strict)
		user := session.GetString("user")
		if user == "" {
			ctx.StopWithStatus(iris.StatusUnauthorized)
			return
		}
		broker.ServeIris(ctx, decide(user, "", time.Now().Add(session.Lifetime.DurationUntilExpiration())))
	})
	app.Build()
	server := httptest.NewServer(app)

	client := &http.Client{Timeout: time.Minute}
	response, _ := client.PostForm(server.URL+"/login", url.Values{"user": {"bert"}, "password": {"opensesame"}})
	cookie := response.Cookies()[0]

	ask(server.URL+"/events", 0)
	ask(server.URL+"/events", 0, "Cookie", "session=made-up")
	ask(server.URL+"/events?topic=mail/anna&lastEventId=0", 2, "Cookie", cookie.Name+"="+cookie.Value)
	broker.Shutdown(context.Background())
	// Output:
	// 401
	// 401
	// 200
	// data: to mail/bert
	// data: to news
}
