package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"example.com/sse/bench/load"
	"example.com/sse/bench/machine"
	"example.com/sse/bench/rivals/demo"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// binaries are the programs that are started.
type binaries struct{ server, nats string }

// errNoNATS is the error where nats-server can't be built.
var errNoNATS = errors.New("nats-server can't be had")

// build builds the programs in a directory.
func build(ctx context.Context, dir string) (b binaries, err error) {
	root, err := moduleRoot()
	if err != nil {
		return b, err
	}
	if b.server, err = machine.Build(ctx, root, ".", filepath.Join(dir, "sse-server")); err != nil {
		return b, err
	}
	// The version is that of the tests.
	if b.nats, err = machine.Build(ctx, filepath.Join(root, "e2e"), "github.com/nats-io/nats-server/v2", filepath.Join(dir, "nats-server")); err != nil {
		return b, fmt.Errorf("%w: %w", errNoNATS, err)
	}
	return b, nil
}

// moduleRoot returns the folder of the server's module.
func moduleRoot() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "example.com/sse").Output()
	if err != nil {
		return "", fmt.Errorf("the server's module is not found: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// A cluster is servers on one NATS.
type cluster struct {
	url     string // of NATS
	nats    *machine.Process
	servers []*machine.Process
	addrs   []netip.AddrPort // of the servers
	conn    *nats.Conn
	stream  jetstream.Stream // of the servers' events
}

// start starts NATS and a number of servers, which have served a client when it returns.
func (b binaries) start(ctx context.Context, dir string, servers int, interval time.Duration) (c *cluster, err error) {
	c = new(cluster)
	defer func() {
		if err != nil {
			c.stop()
		}
	}()
	addr, err := demo.FreeAddr()
	if err != nil {
		return c, err
	}
	c.url = "nats://" + addr.String()
	storage := filepath.Join(dir, "nats-"+interval.String())
	cmd := exec.Command(b.nats, "-a", addr.Addr().String(), "-p", strconv.Itoa(int(addr.Port())), "-js", "-sd", storage)
	if c.nats, err = machine.Start(ctx, cmd, addr, storage+".log"); err != nil {
		return c, fmt.Errorf("nats-server %w", err)
	}
	for i := range servers {
		addr, err := demo.FreeAddr()
		if err != nil {
			return c, err
		}
		cmd := exec.Command(b.server, "-addr", addr.String(), "-interval", interval.String(), "-nats", c.url)
		server, err := machine.Start(ctx, cmd, addr, filepath.Join(dir, fmt.Sprintf("server-%d.log", i)))
		if err != nil {
			return c, fmt.Errorf("a server %w", err)
		}
		c.servers, c.addrs = append(c.servers, server), append(c.addrs, addr)
	}
	for _, addr := range c.addrs {
		if err := warmUp(ctx, addr); err != nil {
			return c, err
		}
	}
	if c.conn, err = nats.Connect(c.url); err != nil {
		return c, err
	}
	js, err := jetstream.New(c.conn)
	if err != nil {
		return c, err
	}
	c.stream, err = js.Stream(ctx, "SSE")
	return c, err
}

// warmUp has a server serve a client once the server is well, for what it reads into memory of its own program then,
// which is no client's.
func warmUp(ctx context.Context, addr netip.AddrPort) error {
	asker := http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		answer, err := asker.Get("http://" + addr.String() + "/healthz")
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				break
			}
		}
		if ctx.Err() != nil || time.Now().After(end) {
			return fmt.Errorf("the server at %v is not well", addr)
		}
	}
	l, err := load.New(addr, streamPath, load.HTTP, nil)
	if err != nil {
		return err
	}
	defer l.Close()
	return l.Connect(ctx, 1, false)
}

// pids returns the servers' process IDs.
func pids(servers []*machine.Process) (pids []int) {
	for _, s := range servers {
		pids = append(pids, s.Pid())
	}
	return pids
}

// stop ends all.
func (c *cluster) stop() {
	if c.conn != nil {
		c.conn.Close()
	}
	for _, s := range c.servers {
		s.Stop()
	}
	c.nats.Stop()
}

// A tick is an event of the servers.
type tick struct {
	id  int64
	due time.Time
}

// newest returns the ID of NATS's newest event.
func (c *cluster) newest(ctx context.Context) (id int64, err error) {
	info, err := c.stream.Info(ctx)
	if err != nil {
		return 0, err
	}
	return int64(info.State.LastSeq), nil
}

// ticks returns the events with IDs after one and up to another, as NATS has them.
func (c *cluster) ticks(ctx context.Context, after, last int64) (ticks []tick, err error) {
	for id := after + 1; id <= last; id++ {
		m, err := c.stream.GetMsg(ctx, uint64(id))
		if err != nil {
			return nil, fmt.Errorf("event %d: %w", id, err)
		}
		// The servers name a tick after the time at which it was due.
		ns, err := strconv.ParseInt(strings.TrimPrefix(m.Header.Get(nats.MsgIdHdr), "tick-"), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("event %d: %w", id, err)
		}
		ticks = append(ticks, tick{id, time.Unix(0, ns)})
	}
	return ticks, nil
}
