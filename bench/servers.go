package main

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"example.com/sse/bench/load"
)

// A server is one of those compared.
type server struct {
	name   string          // in flags and tables
	what   string          // in a sentence
	dir    string          // of its main package
	path   string          // of its event stream
	module string          // whose version tells most
	noIDs  bool            // its events have no IDs
	inner  bool            // what it starts is measured, not it
	notGo  bool            // it is not written in Go
	only   []load.Protocol // what it takes part in; nil means everything
}

// servers are all, in the order of the tables. The first is this project's.
var servers = []server{
	{name: this, what: "this server", dir: "..", path: "/events", module: "github.com/kataras/iris/v12"},
	{name: app, what: "the README's app of one's own, with packages sse and server", dir: "rivals/app", path: "/events", module: "github.com/kataras/iris/v12"},
	{name: seed, what: "the program that this one began as", dir: "rivals/seed", path: "/events", module: "github.com/kataras/iris/v12", noIDs: true},
	{name: "go-sse", what: "github.com/tmaxmax/go-sse", dir: "rivals/gosse", path: "/events", module: "github.com/tmaxmax/go-sse"},
	{name: "r3labs", what: "github.com/r3labs/sse", dir: "rivals/r3labs", path: "/events?stream=demo", module: "github.com/r3labs/sse/v2"},
	{name: bare, what: "net/http with a goroutine and a buffered channel a client", dir: "rivals/bare", path: "/events"},
	{name: "nchan", what: "nginx with its nchan module", dir: "rivals/nchan", path: "/events", inner: true, notGo: true},
	{name: proxied, what: "this server, and in front of it nginx, which speaks HTTPS", dir: "rivals/proxied", path: "/events", inner: true, notGo: true, only: []load.Protocol{load.HTTPS2}},
	{name: limit, what: "one goroutine that writes ready bytes to raw sockets", dir: "rivals/limit", path: "/events", only: []load.Protocol{load.HTTP}},
}

const (
	this    = "this"
	app     = "app"
	seed    = "seed"
	bare    = "bare"
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
	binary = filepath.Join(dir, s.name)
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, ".")
	cmd.Dir = s.dir
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // ends what it has started, too
	if output, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %w\n%s", s.name, err, output)
	}
	return binary, nil
}

// version returns what the program is made of, or an error when this machine lacks it.
func (s server) version(binary string) (string, error) {
	if s.inner {
		output, err := exec.Command(binary, "-version").CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("%s", bytes.TrimSpace(output))
		}
		return string(bytes.TrimSpace(output)), nil
	}
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return "", err
	}
	for _, m := range info.Deps {
		if m.Path == s.module {
			return strings.TrimPrefix(m.Path, "github.com/") + " " + m.Version, nil
		}
	}
	return info.GoVersion, nil
}
