// Package main is a microblog: a post reaches all who follow its author at once, and each of them once.
//
// 微博：新消息立刻到达所有关注者，每人只收到一次。
package main

import (
	"context"
	"crypto/rand"
	"embed"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"time"

	"example.com/sse/server"
	"example.com/sse/sse"

	"github.com/kataras/iris/v12"
)

//go:embed page
var page embed.FS

// mostUsers bounds the users so that each may follow all others: a stream has 10,000 topics at most. 一个流最多 10,000 个主题，所以限制用户数。
const mostUsers = 9_000

// A post is a message of an author to all followers. Its ID is also its event's.
// 一条消息，编号就是事件的编号。
type post struct {
	ID     int64  `json:"id"`
	Author string `json:"author"`
	Text   string `json:"text"`
}

// A blog has all posts, and who follows whom. An app that is no example keeps them in a database.
// 谁关注谁，以及所有消息；实际的应用会存进数据库。
type blog struct {
	broker *sse.Broker

	mu        sync.Mutex // protects what follows
	sessions  map[string]string
	following map[string]map[string]bool // whom each user follows
	names     []string                   // all users
	posts     []post
	last      int64 // the last post's ID
}

var isName = regexp.MustCompile(`^[\p{L}\p{N}_-]{1,30}$`).MatchString

// join adds a user, and reports whether the name is one, and is free.
// 名字先到先得。
func (b *blog) join(name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !isName(name) || b.following[name] != nil || len(b.names) == mostUsers {
		return false
	}
	b.following[name] = make(map[string]bool)
	b.names = append(b.names, name)
	return true
}

// say adds a post and publishes it, under one lock: whoever reads the posts and b.last misses nothing and gets nothing
// twice on a stream from that ID on. However many follow the author, it is one event of one topic.
// 保存消息和发布事件在同一把锁里完成。不管有多少关注者，都只是一个主题里的一个事件。
func (b *blog) say(ctx context.Context, author, text string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := post{max(b.last+1, time.Now().UnixMicro()), author, text}
	data, err := json.Marshal(p)
	if err == nil {
		err = b.broker.Publish(ctx, sse.Event{ID: p.ID, Topic: "posts/" + author, Name: "post", Data: data})
	}
	if err == nil {
		b.last = p.ID
		b.posts = append(b.posts, p)
		b.posts = b.posts[max(0, len(b.posts)-10_000):]
	}
	return err
}

// follow has a user follow another one, or all others ("*"), or end that. It tells the pages of all of them.
// 关注或取消关注某人（"*" 表示所有人），并通知双方的所有页面。
func (b *blog) follow(ctx iris.Context, me string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	changed := []string{me}
	for _, name := range b.names {
		if wanted := ctx.PostValue("name"); name != me && (wanted == "*" || wanted == name) {
			b.following[me][name] = ctx.PostValue("on") == "true"
			changed = append(changed, name)
		}
	}
	for _, name := range changed {
		b.last = max(b.last+1, time.Now().UnixMicro())
		if b.broker.Publish(ctx, sse.Event{ID: b.last, Topic: "user/" + name, Name: "people"}) != nil {
			ctx.StopWithStatus(iris.StatusServiceUnavailable)
			return
		}
	}
}

// home answers with what a user's page shows, and where its stream goes on.
// 返回页面要显示的内容，以及事件流从哪里接着读。
func (b *blog) home(ctx iris.Context, me string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	people, posts := []iris.Map{}, []post{}
	for _, name := range b.names {
		if name != me {
			people = append(people, iris.Map{"name": name, "followed": b.following[me][name], "follows": b.following[name][me]})
		}
	}
	for _, p := range slices.Backward(b.posts) {
		if len(posts) < 100 && (p.Author == me || b.following[me][p.Author]) {
			posts = append(posts, p)
		}
	}
	ctx.JSON(iris.Map{"me": me, "people": people, "posts": posts, "last": b.last})
}

// events serves a user's stream, with a topic for each author whom the user follows. A thousand topics take 57 KiB and,
// while they are silent, no work. A page whose user follows one more opens the stream again, and goes on where it was.
// 关注的每个作者是一个主题。关注一千个作者占 57 KiB 内存；多关注一个，页面就重开事件流，从原处继续。
func (b *blog) events(ctx iris.Context, me string) {
	topics := []string{"user/" + me, "posts/" + me}
	b.mu.Lock()
	for name, on := range b.following[me] {
		if on {
			topics = append(topics, "posts/"+name)
		}
	}
	b.mu.Unlock()
	b.broker.ServeIris(ctx, sse.Stream{Topics: topics, Until: time.Now().Add(time.Hour)})
}

// logIn begins a session, whose cookie no script and no other site can use.
// 会话的 Cookie 不能被脚本读取，也不能被其他网站利用。
func (b *blog) logIn(ctx iris.Context) {
	name := ctx.PostValue("name")
	if !b.join(name) {
		ctx.StopWithText(iris.StatusConflict, "Take another name, of 1 to 30 letters and digits")
		return
	}
	id := rand.Text()
	b.mu.Lock()
	b.sessions[id] = name
	b.mu.Unlock()
	ctx.SetCookie(&http.Cookie{
		Name: "session", Value: id, Path: "/", MaxAge: 30 * 24 * 60 * 60,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: ctx.Request().TLS != nil,
	})
}

// as calls a handler with the user of the request's session, or answers 401.
func (b *blog) as(handle func(ctx iris.Context, me string)) iris.Handler {
	return func(ctx iris.Context) {
		b.mu.Lock()
		me, ok := b.sessions[ctx.GetCookie("session")]
		b.mu.Unlock()
		if !ok {
			ctx.StopWithStatus(iris.StatusUnauthorized)
			return
		}
		handle(ctx, me)
	}
}

func main() {
	addr := flag.String("addr", ":8080", "listen on this `host:port`")
	authors := flag.Int("authors", 20, "this `number` of authors post by themselves")
	pause := flag.Duration("pause", 2*time.Second, "the time between their posts")
	history := flag.Int("history", sse.DefaultHistory, "retain the last events, at most this `number` of bytes")
	flag.Parse()

	b := &blog{broker: sse.New(sse.Options{History: *history}), sessions: make(map[string]string), following: make(map[string]map[string]bool)}
	for i := range *authors {
		b.join(fmt.Sprint("author-", i))
	}
	go func() {
		for count := 1; *authors > 0; count++ {
			time.Sleep(*pause)
			b.say(context.Background(), fmt.Sprint("author-", count%*authors), fmt.Sprint("Post ", count))
		}
	}()
	app := iris.New()
	app.UseRouter(secure)
	app.HandleDir("/", page)
	app.Post("/login", b.logIn)
	app.Get("/home", b.as(b.home))
	app.Get("/events", b.as(b.events))
	app.Post("/follow", b.as(b.follow))
	app.Post("/posts", b.as(func(ctx iris.Context, me string) {
		if text := ctx.PostValue("text"); text == "" || len(text) > 1000 {
			ctx.StopWithText(iris.StatusBadRequest, "A post has 1 to 1000 bytes")
		} else if b.say(ctx, me, text) != nil {
			ctx.StopWithStatus(iris.StatusServiceUnavailable)
		}
	}))

	listener, err := server.Listen(*addr, nil)
	if err != nil {
		log.Fatal(err)
	}
	log.Println("Now listening on:", listener.URL())
	if err := server.ServeIris(server.UntilSignal(), listener, app, b.broker); err != nil {
		log.Fatal(err)
	}
}

// secure bounds what a request may bring, and has the page load its own files only. What other sites send is refused.
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
