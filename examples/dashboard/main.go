// Package main shows figures of this machine, new ones each second. Several panels share one stream, and whoever opens
// the page sees the last minute at once.
//
// 数据面板：每秒显示这台机器的最新数据；多个面板共用一个事件流，打开页面立刻看到最近一分钟的数据。
package main

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"runtime/metrics"
	"slices"
	"strings"
	"time"

	"example.com/sse/server"
	"example.com/sse/sse"

	"github.com/kataras/iris/v12"
)

//go:embed page
var page embed.FS

// A panel is one figure. Its name is its topic and its events' name, so that one stream can have several.
// 一个面板显示一项数据；面板的名称既是主题，也是事件的名称，所以一个流可以有多个面板。
type panel struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Unit  string `json:"unit"`

	read func() (float64, error)
}

// panelsOf returns the panels that this machine has: some read /proc, which only Linux has.
// /proc 只有 Linux 才有，其余的数据在各个系统上都有。
func panelsOf(broker *sse.Broker) []panel {
	all := []panel{
		{"cpu", "CPU in use", "%", cpu()},
		{"memory", "Memory in use", "%", memory},
		{"load", "Load", "", load},
		{"heap", "This program's memory", "MiB", metric("/memory/classes/total:bytes", 1<<20)},
		{"goroutines", "Goroutines", "", metric("/sched/goroutines:goroutines", 1)},
		{"clients", "Open dashboards", "", func() (float64, error) { return float64(broker.Stats().Clients), nil }},
	}
	return slices.DeleteFunc(all, func(p panel) bool {
		_, err := p.read()
		return err != nil
	})
}

// cpu returns a function that says how busy all CPUs were since it was last called, in percent (proc_stat(5)).
func cpu() func() (float64, error) {
	var lastBusy, lastTotal float64
	return func() (float64, error) {
		text, err := os.ReadFile("/proc/stat")
		if err != nil {
			return 0, err
		}
		var user, nice, system, idle, iowait, irq, softirq, steal float64
		if _, err := fmt.Sscanf(string(text), "cpu %f %f %f %f %f %f %f %f", &user, &nice, &system, &idle, &iowait, &irq, &softirq, &steal); err != nil {
			return 0, err
		}
		busy := user + nice + system + irq + softirq + steal
		total := busy + idle + iowait
		percent := 100 * (busy - lastBusy) / max(1, total-lastTotal)
		lastBusy, lastTotal = busy, total
		return percent, nil
	}
}

// memory returns how much of the machine's memory is in use, in percent (proc_meminfo(5)).
func memory() (float64, error) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	kib := make(map[string]float64)
	for line := range strings.Lines(string(text)) {
		var name string
		var value float64
		if n, _ := fmt.Sscanf(line, "%s %f", &name, &value); n == 2 {
			kib[name] = value
		}
	}
	if kib["MemTotal:"] == 0 {
		return 0, errors.ErrUnsupported
	}
	return 100 * (1 - kib["MemAvailable:"]/kib["MemTotal:"]), nil
}

// load returns the average number of processes that want to run (proc_loadavg(5)).
func load() (minute float64, err error) {
	text, err := os.ReadFile("/proc/loadavg")
	if err == nil {
		_, err = fmt.Sscan(string(text), &minute)
	}
	return minute, err
}

// metric returns a function that reads one of the Go runtime's figures.
func metric(name string, unit float64) func() (float64, error) {
	return func() (float64, error) {
		sample := []metrics.Sample{{Name: name}}
		metrics.Read(sample)
		if sample[0].Value.Kind() != metrics.KindUint64 {
			return 0, errors.ErrUnsupported
		}
		return float64(sample[0].Value.Uint64()) / unit, nil
	}
}

// measure publishes all figures each second, until the broker has stopped.
// 每秒发布所有数据，直到 Broker 停止。
func measure(broker *sse.Broker, panels []panel) {
	for now := range time.Tick(time.Second) {
		for _, p := range panels {
			value, err := p.read()
			if err != nil {
				log.Print(err)
				continue
			}
			data := fmt.Appendf(nil, `{"at":%d,"value":%.2f}`, now.UnixMilli(), value)
			if broker.Publish(context.Background(), sse.Event{Topic: p.Name, Name: p.Name, Data: data}) != nil {
				return
			}
		}
	}
}

// shown is how many figures of each panel a new client gets at once.
// 新客户端一连上，每个面板就收到最近的这么多个数据。
const shown = 60

func main() {
	addr := flag.String("addr", ":8080", "listen on this `host:port`")
	flag.Parse()

	broker := sse.NewBroker()
	panels := panelsOf(broker)
	var names []string
	for _, p := range panels {
		names = append(names, p.Name)
	}
	list, err := json.Marshal(panels)
	if err != nil {
		log.Fatal(err)
	}

	app := iris.New()
	app.UseRouter(secure)
	app.HandleDir("/", page)
	app.Any("/events", func(ctx iris.Context) {
		// A page may ask for some panels only. What a URL says is checked, always.
		// 页面可以只要其中几个面板；URL 里写的任何内容都要检查。
		topics := names
		if wanted := ctx.Request().URL.Query()["panel"]; len(wanted) > 0 {
			topics = wanted
		}
		for _, name := range topics {
			if !slices.Contains(names, name) {
				ctx.StopWithText(iris.StatusNotFound, "There is no such panel")
				return
			}
		}
		broker.ServeIris(ctx, sse.Stream{
			Topics: topics,
			// The panels come before all else, at each connection: after a restart the server may have others.
			// 每次连接都先发面板列表：服务器重启之后，面板可能变了。
			First: []sse.Event{{Name: "panels", Data: list}},
			Last:  shown,
		})
	})

	go measure(broker, panels)
	listener, err := server.Listen(*addr, nil)
	if err != nil {
		log.Fatal(err)
	}
	log.Println("Now listening on:", listener.URL())
	if err := server.ServeIris(server.UntilSignal(), listener, app, broker); err != nil {
		log.Fatal(err)
	}
}

// secure says what the page may do: load its own files and its stream, and nothing else.
// 页面只能加载自己的文件和事件流。
func secure(ctx iris.Context) {
	header := ctx.ResponseWriter().Header()
	header.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "+
		"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-cache")
	ctx.Next()
}
