// Package main is the console of a shop's admins. Each sees at once what the others do, and what they have done themselves
// only once; owners see more than clerks; and a page that was away for too long is told so, and loads all anew.
//
// 管理后台：每个管理员实时看到其他人的操作，自己的操作不会出现两次；有权限的角色看到更多；
// 离开太久的页面会收到通知，并重新加载。
package main

import (
	"embed"
	"encoding/json"
	"flag"
	"log"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"example.com/sse/server"
	"example.com/sse/sse"

	"github.com/kataras/iris/v12"
	"github.com/kataras/iris/v12/middleware/basicauth"
)

//go:embed page
var page embed.FS

// An admin may log in. An app that is no example stores hashes of passwords: see basicauth.BCRYPT.
// 管理员。实际的应用只保存密码的哈希值，见 basicauth.BCRYPT。
type admin struct{ Username, Password, Role string }

var admins = []admin{{"anna", "swordfish", "owner"}, {"bert", "opensesame", "clerk"}, {"carl", "letmein", "clerk"}}

// The shop's switches, which are all off at first.
// 商店的开关，开始时都是关闭的。
var switches = []string{"checkout", "sign-up", "newsletter"}

// The topics: what all admins see, and what owners alone see.
// 两个主题：一个所有管理员都能看，一个只有 owner 能看。
const forAll, forOwners = "console", "console/owners"

// topicsOf returns the topics that an admin may read. It alone decides that, for the list as well as for the stream.
// 谁能看什么只在这里决定，列表和事件流都用它。
func topicsOf(who admin) []string {
	if who.Role == "owner" {
		return []string{forAll, forOwners}
	}
	return []string{forAll}
}

// An entry is what an admin has done. Its ID is also its event's, by which a page recognizes an entry that it has already.
// 一条操作记录；编号就是事件的编号，页面凭编号认出已有的记录。
type entry struct {
	ID     int64  `json:"id"`
	Who    string `json:"who"`
	Switch string `json:"switch,omitempty"` // the switch that was turned; "" for a note
	On     bool   `json:"on,omitempty"`
	Note   string `json:"note,omitempty"`

	topic string
}

// A console has the state of the switches, and what the admins have done.
// 商店的开关，以及操作记录。
type console struct {
	broker *sse.Broker

	mu       sync.Mutex // protects what follows
	switches map[string]bool
	entries  []entry
	last     int64 // the last entry's ID
}

// do stores and publishes what an admin has done, and answers with it, so that the page need not wait for the stream. The
// list changes and the event goes out under one lock: whoever reads the list and c.last misses nothing and gets nothing
// twice on a stream from that ID on.
// 保存记录和发布事件在同一把锁里完成：读了列表和 c.last，再从这个编号开始接收，就不会丢，也不会重复。
func (c *console) do(ctx iris.Context, e entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e.ID, e.Who = max(c.last+1, time.Now().UnixMicro()), adminOf(ctx).Username
	data, err := json.Marshal(e)
	if err == nil {
		err = c.broker.Publish(ctx, sse.Event{ID: e.ID, Topic: e.topic, Name: "entry", Data: data})
	}
	if err != nil {
		ctx.StopWithStatus(iris.StatusServiceUnavailable)
		return
	}
	if e.Switch != "" {
		c.switches[e.Switch] = e.On
	}
	c.last = e.ID
	c.entries = append(c.entries, e)
	c.entries = c.entries[max(0, len(c.entries)-1000):]
	ctx.JSON(e)
}

// state answers with all that an admin may see, and where the stream goes on.
// 返回这个管理员能看到的全部内容，以及事件流从哪里接着读。
func (c *console) state(ctx iris.Context) {
	who := adminOf(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := []entry{}
	for _, e := range c.entries {
		if slices.Contains(topicsOf(who), e.topic) {
			seen = append(seen, e)
		}
	}
	ctx.JSON(iris.Map{"me": who.Username, "role": who.Role, "switches": switches, "on": c.switches, "entries": seen, "last": c.last})
}

// turn turns a switch on or off.
// 打开或关闭一个开关。
func (c *console) turn(ctx iris.Context) {
	name := ctx.Params().Get("name")
	if !slices.Contains(switches, name) {
		ctx.StopWithStatus(iris.StatusNotFound)
		return
	}
	c.do(ctx, entry{Switch: name, On: ctx.PostValue("on") == "true", topic: forAll})
}

// note leaves a note that owners alone may read, and write.
// 只有 owner 能看、能写的备注。
func (c *console) note(ctx iris.Context) {
	text := strings.TrimSpace(ctx.PostValue("text"))
	switch {
	case adminOf(ctx).Role != "owner":
		ctx.StopWithText(iris.StatusForbidden, "Owners leave notes")
	case text == "" || len(text) > 500:
		ctx.StopWithText(iris.StatusBadRequest, "A note has 1 to 500 bytes")
	default:
		c.do(ctx, entry{Note: text, topic: forOwners})
	}
}

// events serves an admin's stream. A password does not expire, but it may be changed, and a role may be taken away. So that
// this counts soon, a stream ends after a minute: its page reconnects with the new rights, and misses nothing.
// 密码不会过期，但可能被修改，角色也可能被收回。所以流一分钟后结束，页面自动重连时重新检查，什么也不会错过。
func (c *console) events(ctx iris.Context) {
	c.broker.ServeIris(ctx, sse.Stream{Topics: topicsOf(adminOf(ctx)), Until: time.Now().Add(time.Minute)})
}

func adminOf(ctx iris.Context) admin {
	who, _ := ctx.User().GetRaw()
	return who.(admin)
}

func main() {
	addr := flag.String("addr", ":8080", "listen on this `host:port`")
	history := flag.Int("history", sse.DefaultHistory, "retain the last events, at most this `number` of bytes")
	flag.Parse()

	c := &console{broker: sse.New(sse.Options{History: *history}), switches: make(map[string]bool)}
	app := iris.New()
	app.UseRouter(secure)
	app.Use(basicauth.Default(admins))
	app.HandleDir("/", page)
	app.Get("/state", c.state)
	app.Post("/switches/{name}", c.turn)
	app.Post("/notes", c.note)
	app.Get("/events", c.events)

	listener, err := server.Listen(*addr, nil)
	if err != nil {
		log.Fatal(err)
	}
	log.Println("Now listening on:", listener.URL())
	if err := server.ServeIris(server.UntilSignal(), listener, app, c.broker); err != nil {
		log.Fatal(err)
	}
}

// secure bounds what a request may bring, and says what the page may do: load its own files, and nothing else. What other
// sites' pages send is refused: a browser would add the password to it.
// 页面只能加载自己的文件；拒绝其他网站发来的请求，因为浏览器会自动带上密码。
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
