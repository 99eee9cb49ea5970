package e2e

import (
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
	"example.com/sse/sse"

	"github.com/kataras/iris/v12"
	"github.com/kataras/iris/v12/middleware/basicauth"
	"github.com/kataras/iris/v12/sessions"
)

// An account is a user of a guarded app. Anna alone has the role of an auditor.
type account struct{ Username, Password, Role string }

var accounts = map[string]account{
	"anna": {"anna", "swordfish", "auditor"},
	"bert": {"bert", "opensesame", "clerk"},
}

// A guard is what tells an app who asks, as sse/example_rights_test.go shows it.
type guard struct {
	name string

	// protect has the app's routes answer 401 unless somebody is logged in, and returns what tells who that is, and until when.
	protect func(a *guardedApp, app *iris.Application) func(ctx iris.Context) (who account, until time.Time)

	// credentials returns the header that logs a user in, for the app's life.
	credentials func(t *testing.T, a *guardedApp, user string) http.Header

	// bad are headers that log nobody in.
	bad []http.Header

	// lasts says that what a user is logged in by does not expire: its stream does.
	lasts bool
}

// A guardedApp has a stream for each user at /events, and one for auditors at /audit.
type guardedApp struct {
	broker *sse.Broker
	life   time.Duration // how long a user is logged in
	logs   lockedBuffer
	url    string
	client *http.Client
}

var guards = []guard{
	{
		name: "basicauth",
		protect: func(a *guardedApp, app *iris.Application) func(iris.Context) (account, time.Time) {
			app.Use(basicauth.Default([]account{accounts["anna"], accounts["bert"]}))
			return func(ctx iris.Context) (account, time.Time) {
				who, _ := ctx.User().GetRaw()
				return who.(account), time.Now().Add(a.life)
			}
		},
		credentials: func(_ *testing.T, _ *guardedApp, user string) http.Header {
			return basic(user, accounts[user].Password)
		},
		bad:   []http.Header{basic("anna", ""), basic("anna", "opensesame"), basic("", ""), basic("carl", "swordfish"), inHeader("anna")},
		lasts: true,
	},
	{"jwt in a header", protectByToken, tokenFor(inHeader), noToken(inHeader), false},
	{"jwt in a cookie", protectByToken, tokenFor(inCookie), noToken(inCookie), false},
	{
		name: "session",
		protect: func(a *guardedApp, app *iris.Application) func(iris.Context) (account, time.Time) {
			strict := iris.CookieSameSite(iris.SameSiteStrictMode)
			manager := sessions.New(sessions.Config{Cookie: "session", Expires: a.life, DisableSubdomainPersistence: true})
			app.Post("/login", func(ctx iris.Context) {
				who, ok := accounts[ctx.PostValue("user")]
				if !ok || who.Password != ctx.PostValue("password") {
					ctx.StopWithStatus(iris.StatusUnauthorized)
					return
				}
				manager.Destroy(ctx)
				ctx.Request().Header.Del("Cookie")
				manager.Start(ctx, strict).Set("user", who.Username)
			})
			return func(ctx iris.Context) (account, time.Time) {
				if ctx.GetCookie("session") != "" {
					session := manager.Start(ctx, strict)
					if who, ok := accounts[session.GetString("user")]; ok {
						return who, time.Now().Add(session.Lifetime.DurationUntilExpiration())
					}
				}
				ctx.StopWithStatus(iris.StatusUnauthorized)
				return account{}, time.Time{}
			}
		},
		credentials: func(t *testing.T, a *guardedApp, user string) http.Header {
			cookie := a.logIn(t, user, "")
			if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode {
				t.Errorf("others can use the cookie %v", cookie)
			}
			return header("Cookie", cookie.Name+"="+cookie.Value)
		},
		bad: []http.Header{header("Cookie", "session="), header("Cookie", "session=made-up"), header("Cookie", "session=anna"), basic("anna", "swordfish")},
	},
}

// logIn logs a user in with a session that the request names, "" for none, and returns the cookie that the app sets.
func (a *guardedApp) logIn(t *testing.T, user, session string) *http.Cookie {
	t.Helper()
	form := url.Values{"user": {user}, "password": {accounts[user].Password}}
	r, err := http.NewRequestWithContext(limited(t), http.MethodPost, a.url+"/login", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if session != "" {
		r.AddCookie(&http.Cookie{Name: "session", Value: session})
	}
	resp, err := a.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	cookies := resp.Cookies()
	if resp.StatusCode != http.StatusOK || len(cookies) == 0 {
		t.Fatalf("logging %s in: %s, %v", user, resp.Status, cookies)
	}
	return cookies[len(cookies)-1]
}

// startGuarded serves an app behind a guard, over a protocol.
func startGuarded(t *testing.T, g guard, p protocol, life time.Duration) *guardedApp {
	t.Helper()
	a := &guardedApp{broker: sse.NewBroker(), life: life}
	app := iris.New()
	app.Logger().SetOutput(&a.logs)
	who := g.protect(a, app)
	app.Any("/events", func(ctx iris.Context) {
		if user, until := who(ctx); user.Username != "" {
			topics := []string{"mail/" + user.Username, "news"}
			if user.Role == "auditor" {
				topics = append(topics, "audit")
			}
			a.broker.ServeIris(ctx, sse.Stream{Topics: topics, Until: until})
		}
	})
	app.Any("/audit", func(ctx iris.Context) {
		switch user, until := who(ctx); {
		case user.Username == "":
		case user.Role != "auditor":
			ctx.StopWithText(iris.StatusForbidden, "this is for auditors")
		default:
			a.broker.ServeIris(ctx, sse.Stream{Topics: []string{"audit"}, Until: until})
		}
	})
	if err := app.Build(); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(app)
	server.Config.ErrorLog = log.New(&a.logs, "", 0)
	p.start(server)
	t.Cleanup(server.Close)
	t.Cleanup(func() { shutdown(t, a.broker) })
	a.url, a.client = server.URL, testkit.StreamClient(server.Client().Transport.(*http.Transport))
	return a
}
