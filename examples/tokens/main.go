// Package main gives answers word by word, as language models do. Each run has a stream of its own, a page that is
// reloaded goes on where it was, and the end is an event.
//
// 像大语言模型那样逐词输出回答：每次提问有自己的事件流；刷新页面可以从原处继续；结束也是一个事件。
package main

import (
	"context"
	"crypto/rand"
	"embed"
	"encoding/json"
	"flag"
	"log"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"example.com/sse/server"
	"example.com/sse/sse"

	"github.com/kataras/iris/v12"
)

//go:embed page
var page embed.FS

// A run is a question that is being answered. Its context ends after the last word, and ends its streams.
// 一次运行：最后一个词之后 context 结束，它的事件流也随之结束。
type run struct {
	context.Context
	end  context.CancelFunc
	text strings.Builder // the answer so far
	last int64           // the ID of the last event
}

// A model answers questions. This one is no language model: it has a single answer.
// 这里没有真正的模型，只有一个固定的回答。
type model struct {
	broker *sse.Broker
	pause  time.Duration // between two words
	keep   time.Duration // how long a run is kept after its end

	mu   sync.Mutex // protects what follows
	runs map[string]*run
	last int64 // the last event's ID, of all runs
}

// say publishes an event of a run. The answer so far and the event's ID change under one lock: whoever reads both
// misses nothing and gets nothing twice on a stream from that ID on.
// 已有的回答和事件编号在同一把锁里更新：在锁里读到这两者，再从这个编号开始接收，就不会丢，也不会重复。
func (m *model) say(id string, r *run, name, text string) error {
	// JSON keeps the spaces and line feeds of a word as they are.
	// 用 JSON，词里的空格和换行才能原样保留。
	data, err := json.Marshal(text)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	next := max(m.last+1, time.Now().UnixMicro())
	if err := m.broker.Publish(context.Background(), sse.Event{ID: next, Topic: "run/" + id, Name: name, Data: data}); err != nil {
		return err
	}
	m.last, r.last = next, next
	r.text.WriteString(text)
	if name == "end" {
		r.end()
	}
	return nil
}

// answer publishes the answer word by word, whether anybody listens or not, and then an event that says that it has ended.
// 逐词输出，不管有没有人在看；最后发布一个结束事件。
func (m *model) answer(id string, r *run, question string) {
	defer time.AfterFunc(m.keep, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.runs, id)
	})
	defer r.end() // Also where the broker has stopped.
	text := "You asked: “" + question + "”\n\nA server that sends words as they come needs no more than an HTTP response that does not end. " +
		"The browser shows each word at once, and reconnects by itself; 断线之后从原处继续，一个词也不会丢。"
	for word := range strings.SplitAfterSeq(text, " ") {
		time.Sleep(m.pause)
		if m.say(id, r, "", word) != nil {
			return
		}
	}
	m.say(id, r, "end", "")
}

// ask begins a run. Its ID can't be guessed, so only those whom it is given to can read the answer.
// 编号猜不到：知道编号的人才能看到回答。
func (m *model) ask(ctx iris.Context) {
	question := ctx.PostValue("question")
	if question == "" || len(question) > 500 {
		ctx.StopWithText(iris.StatusBadRequest, "A question has 1 to 500 bytes")
		return
	}
	id, r := rand.Text(), new(run)
	r.Context, r.end = context.WithCancel(context.Background())
	m.mu.Lock()
	m.runs[id] = r
	r.last = m.last
	m.mu.Unlock()
	go m.answer(id, r, question)
	ctx.StatusCode(iris.StatusCreated)
	ctx.JSON(iris.Map{"run": id})
}

// soFar answers with the answer so far, and with the event ID after which the stream goes on.
// 返回目前为止的回答，以及事件流从哪里接着读。
func (m *model) soFar(ctx iris.Context) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.runs[ctx.Params().Get("id")]
	if r == nil {
		ctx.StopWithStatus(iris.StatusNotFound)
		return
	}
	ctx.JSON(iris.Map{"text": r.text.String(), "last": r.last, "ended": r.Err() != nil})
}

// events serves a run's stream.
// 一次运行的事件流。
func (m *model) events(ctx iris.Context) {
	id := ctx.Params().Get("id")
	m.mu.Lock()
	r := m.runs[id]
	var last int64
	if r != nil {
		last = r.last
	}
	m.mu.Unlock()
	if r == nil {
		ctx.StopWithStatus(iris.StatusNotFound)
		return
	}
	// A client that has had the end and reconnects is told by 204 not to reconnect again (WHATWG HTML, section 9.2.1).
	// 已经收到结束事件的客户端又来重连时，返回 204，让它不要再重连。
	if r.Err() != nil && lastID(ctx.Request()) == last {
		ctx.StopWithStatus(iris.StatusNoContent)
		return
	}
	m.broker.ServeIris(ctx, sse.Stream{Topics: []string{"run/" + id}, Context: r})
}

// lastID returns the last event ID that a request names, or 0.
func lastID(r *http.Request) int64 {
	value := r.Header.Get("Last-Event-ID")
	if value == "" {
		value = r.URL.Query().Get("lastEventId")
	}
	id, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return 0
	}
	return id
}

func main() {
	addr := flag.String("addr", ":8080", "listen on this `host:port`")
	pause := flag.Duration("pause", 100*time.Millisecond, "the time between two words")
	keep := flag.Duration("keep", 10*time.Minute, "how long an answer is kept after its end")
	flag.Parse()

	m := &model{broker: sse.NewBroker(), pause: *pause, keep: *keep, runs: make(map[string]*run)}
	app := iris.New()
	app.UseRouter(secure)
	app.HandleDir("/", page)
	app.Post("/runs", m.ask)
	app.Get("/runs/{id}", m.soFar)
	app.Get("/runs/{id}/events", m.events)

	listener, err := server.Listen(*addr, nil)
	if err != nil {
		log.Fatal(err)
	}
	log.Println("Now listening on:", listener.URL())
	if err := server.ServeIris(server.UntilSignal(), listener, app, m.broker); err != nil {
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
