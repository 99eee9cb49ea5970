// Package main shows new mail as it comes. Users see their own mail and no one else's, and when a session ends, its
// streams end.
//
// 新邮件提醒：每个用户只看到自己的新邮件；会话结束，事件流也随之结束。
package main

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"embed"
	"encoding/json"
	"flag"
	"log"
	"net/http"
	"sync"
	"time"

	"example.com/sse/server"
	"example.com/sse/sse"

	"github.com/kataras/iris/v12"
)

//go:embed page
var page embed.FS

// passwords are the users'. An app that is no example stores hashes of them, and bounds how often one may guess.
// 两个用户的密码。实际的应用只保存密码的哈希值，并限制尝试次数。
var passwords = map[string]string{"anna": "swordfish", "bert": "opensesame"}

// A mail is one in a user's box. Its ID is also its event's.
// 一封邮件，编号就是事件的编号。
type mail struct {
	ID      int64  `json:"id"`
	From    string `json:"from"`
	Subject string `json:"subject"`
}

// A session is that of a user who is logged in. Its context ends when it expires or the user logs out, and ends its streams.
// 会话：过期或退出登录时，context 结束，它的事件流也随之结束。
type session struct {
	context.Context
	logOut context.CancelFunc
	user   string
}

// A post is a post office. It has all users' mail and sessions.
// 邮局：所有人的邮件和会话。
type post struct {
	broker *sse.Broker
	life   time.Duration // of a session

	mu       sync.Mutex // protects what follows
	sessions map[string]session
	boxes    map[string][]mail
	last     int64 // the last mail's ID
}

// deliver puts a mail into a user's box and publishes it to the user's topic, both under one lock: whoever
// reads a box and p.last misses nothing and gets nothing twice on a stream from that ID on.
// 放进信箱和发布事件在同一把锁里完成：读了信箱和 p.last，再从这个编号开始接收，就不会丢，也不会重复。
func (p *post) deliver(ctx context.Context, from, to, subject string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	// A time, so that the numbers also rise over a restart.
	// 用时间作编号，重启之后也继续递增。
	m := mail{max(p.last+1, time.Now().UnixMicro()), from, subject}
	data, err := json.Marshal(m)
	if err == nil {
		err = p.broker.Publish(ctx, sse.Event{ID: m.ID, Topic: "mail/" + to, Name: "mail", Data: data})
	}
	if err == nil {
		p.last = m.ID
		box := append(p.boxes[to], m)
		p.boxes[to] = box[max(0, len(box)-1000):]
	}
	return err
}

// logIn begins a session whose ID nobody can guess, in a cookie that no script and no other site can use.
// 会话编号猜不到；Cookie 不能被脚本读取，也不能被其他网站利用。
func (p *post) logIn(ctx iris.Context) {
	user, password := ctx.PostValue("user"), ctx.PostValue("password")
	want, known := passwords[user]
	if subtle.ConstantTimeCompare([]byte(password), []byte(want)) == 0 || !known {
		ctx.StopWithText(iris.StatusUnauthorized, "Wrong user or password")
		return
	}
	id := rand.Text()
	s := session{user: user}
	s.Context, s.logOut = context.WithTimeout(context.Background(), p.life)
	p.mu.Lock()
	p.sessions[id] = s
	p.mu.Unlock()
	context.AfterFunc(s, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.sessions, id)
	})
	ctx.SetCookie(&http.Cookie{
		Name: "session", Value: id, Path: "/", MaxAge: int(p.life.Seconds()),
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: ctx.Request().TLS != nil,
	})
}

// asUser calls a handler with the session that the request names, or answers 401.
// 没有会话就返回 401。
func (p *post) asUser(handle func(iris.Context, session)) iris.Handler {
	return func(ctx iris.Context) {
		p.mu.Lock()
		s, ok := p.sessions[ctx.GetCookie("session")]
		p.mu.Unlock()
		if !ok || s.Err() != nil {
			ctx.StopWithText(iris.StatusUnauthorized, "Log in first")
			return
		}
		handle(ctx, s)
	}
}

// box answers with a user's mail, and where the stream continues.
// 返回用户的信箱，以及事件流从哪里接着读。
func (p *post) box(ctx iris.Context, s session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ctx.JSON(iris.Map{"user": s.user, "mails": append([]mail{}, p.boxes[s.user]...), "last": p.last})
}

func (p *post) send(ctx iris.Context, s session) {
	to, subject := ctx.PostValue("to"), ctx.PostValue("subject")
	if _, known := passwords[to]; !known || subject == "" || len(subject) > 200 {
		ctx.StopWithText(iris.StatusBadRequest, "A mail needs a user to go to, and a subject of at most 200 bytes")
	} else if err := p.deliver(ctx, s.user, to, subject); err != nil {
		ctx.StopWithText(iris.StatusServiceUnavailable, "The mail was not sent")
	}
}

// events serves a user's stream. Its topic comes from the session and never from the URL, in which anybody
// can write ?topic=mail/anna.
// 主题来自会话，绝不来自 URL：URL 谁都能改。
func (p *post) events(ctx iris.Context, s session) {
	p.broker.ServeIris(ctx, sse.Stream{Topics: []string{"mail/" + s.user}, Context: s})
}

func main() {
	addr := flag.String("addr", ":8080", "listen on this `host:port`")
	life := flag.Duration("session", time.Hour, "how long one is logged in")
	flag.Parse()

	p := &post{broker: sse.NewBroker(), life: *life, sessions: make(map[string]session), boxes: make(map[string][]mail)}
	app := iris.New()
	app.UseRouter(secure)
	app.HandleDir("/", page)
	app.Post("/login", p.logIn)
	app.Post("/logout", p.asUser(func(_ iris.Context, s session) { s.logOut() }))
	app.Get("/box", p.asUser(p.box))
	app.Post("/send", p.asUser(p.send))
	app.Get("/events", p.asUser(p.events))

	listener, err := server.Listen(*addr, nil)
	if err != nil {
		log.Fatal(err)
	}
	log.Println("Now listening on:", listener.URL())
	if err := server.ServeIris(server.UntilSignal(), listener, app, p.broker); err != nil {
		log.Fatal(err)
	}
}

// secure bounds what a request may bring, and says what the page may do: load its own files, and nothing
// else. What other sites' pages send is refused.
// 页面只能加载自己的文件；拒绝其他网站发来的请求。
func secure(ctx iris.Context) {
	if err := new(http.CrossOriginProtection).Check(ctx.Request()); err != nil {
		ctx.StopWithText(iris.StatusForbidden, "Not from another site")
		return
	}
	ctx.SetMaxRequestBodySize(8 << 10)
	header := ctx.ResponseWriter().Header()
	header.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "+
		"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	ctx.Next()
}
