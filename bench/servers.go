package main

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"example.com/sse/bench/load"
	"example.com/sse/bench/machine"
)

// A server is one of those compared.
type server struct {
	name   string          // in flags and tables
	what   string          // in a sentence
	dir    string          // of its main package
	stream paths           // of its event stream
	module string          // whose version tells most
	noIDs  bool            // its events have no IDs
	inner  bool            // what the program starts is measured, and not the program itself
	nginx  bool            // the server is nginx, at least in part
	starts string          // the main package of the server that the program starts, built in its folder server
	only   []load.Protocol // the protocols over which the server is measured; nil means all
	topics int             // how many topics a stream can have; 0 where the server has no topics
}

// servers are all, in the order of the tables. The first is this project's.
var servers = []server{
	{name: this, what: "this server", dir: "..", stream: onePath, module: "github.com/kataras/iris/v12"},
	{name: app, what: "the README's app of one's own, with packages sse and server", dir: "rivals/app", stream: queryPath, topics: hundred, module: "github.com/kataras/iris/v12"},
	{name: seed, what: "the program that this one began as", dir: "rivals/seed", stream: onePath, module: "github.com/kataras/iris/v12", noIDs: true},
	{name: gosse, what: "github.com/tmaxmax/go-sse", dir: "rivals/gosse", stream: queryPath, topics: hundred, module: "github.com/tmaxmax/go-sse"},
	{name: "r3labs", what: "github.com/r3labs/sse", dir: "rivals/r3labs", stream: r3labsPath, topics: 1, module: "github.com/r3labs/sse/v2"},
	{name: bare, what: "net/http with a goroutine and a buffered channel a client", dir: "rivals/bare", stream: onePath},
	{name: "nchan", what: "nginx with its nchan module", dir: "rivals/nchan", stream: nchanPath, topics: hundred, inner: true, nginx: true},
	{name: "centrifugo", what: "Centrifugo, its unidirectional endpoint for server-sent events", dir: "rivals/centrifugo", stream: centrifugoPath, topics: hundred, module: "github.com/centrifugal/centrifugo/v6", starts: "github.com/centrifugal/centrifugo/v6", inner: true},
	{name: proxied, what: "this server, and in front of it nginx, which speaks HTTPS", dir: "rivals/proxied", stream: onePath, inner: true, nginx: true, only: []load.Protocol{load.HTTPS2}},
	{name: limit, what: "one goroutine that writes ready bytes to raw sockets", dir: "rivals/limit", stream: queryPath, topics: 1, only: []load.Protocol{load.HTTP}},
}

const (
	this    = "this"
	app     = "app"
	seed    = "seed"
	bare    = "bare"
	gosse   = "go-sse"
	proxied = "proxied"
	limit   = "limit"
)

// rival reports whether the server is one that people would use instead.
func (s server) rival() bool {
	return s.name != this && s.name != app && s.name != proxied && s.name != limit
}

// speaks reports whether the server takes part in what is measured over a protocol.
func (s server) speaks(p load.Protocol) bool {
	return s.only == nil || slices.Contains(s.only, p)
}

// choose returns the servers named in a list with commas.
func choose(names string) (chosen []server, err error) {
	for name := range strings.SplitSeq(names, ",") {
		found := false
		for _, s := range servers {
			if s.name == name || name == "all" {
				chosen, found = append(chosen, s), true
			}
		}
		if !found {
			return nil, fmt.Errorf("no server is named %q", name)
		}
	}
	return chosen, nil
}

// build builds a server's program.
func (s server) build(ctx context.Context, dir string) (binary string, err error) {
	return machine.Build(ctx, s.dir, ".", filepath.Join(dir, s.name))
}

// buildStarted builds what a server's program starts. It needs the network where Go has not got the modules yet.
func (s server) buildStarted(ctx context.Context, dir string) (binary string, err error) {
	return machine.Build(ctx, filepath.Join(s.dir, "server"), s.starts, filepath.Join(dir, s.name+"-server"))
}

// version returns what the program is made of, or an error when this machine lacks it.
// Started is what the program starts, or empty.
func (s server) version(binary, started string) (string, error) {
	if s.nginx {
		output, err := exec.Command(binary, "-version").CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("%s", bytes.TrimSpace(output))
		}
		return string(bytes.TrimSpace(output)), nil
	}
	if s.starts != "" {
		binary = started
	}
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return "", err
	}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == s.module {
			return strings.TrimPrefix(m.Path, "github.com/") + " " + m.Version, nil
		}
	}
	return info.GoVersion, nil
}
