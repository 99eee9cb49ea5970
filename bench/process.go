package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"time"

	"example.com/sse/bench/load"
	"example.com/sse/bench/machine"
	"example.com/sse/bench/rivals/demo"
)

// settle is how long a server that accepts connections already has to finish its start.
const settle = 200 * time.Millisecond

// A process is a server that runs.
type process struct {
	*machine.Process
	server server
	env    []string
	addr   netip.AddrPort
	pids   []int // the processes whose cost counts
	nginx  []int // those of them that are nginx's
}

// start starts a server on a free port.
func (b *bench) start(ctx context.Context, s server, t turn) (*process, error) {
	addr, err := demo.FreeAddr()
	if err != nil {
		return nil, err
	}
	binary := b.binaries[s.name]
	args := []string{binary, "-addr", addr.String(), "-interval", t.interval.String()}
	if t.topics > 0 {
		args = append(args, "-topics", strconv.Itoa(t.topics), fmt.Sprintf("-each=%t", t.each), "-timings", timingsOf(binary))
		os.Remove(timingsOf(binary)) // those of its last turn
	}
	if t.protocol != load.HTTP {
		args = append(args, "-cert", b.certificate.file, "-key", b.certificate.keyFile)
	}
	stored, err := storeFlags(s, t, binary)
	if err != nil {
		return nil, err
	}
	p := &process{server: s, env: append(os.Environ(), "SERVER="+b.started[s.name]), addr: addr}
	return p, p.run(ctx, append(args, stored...))
}

// restart ends the server, and starts it again as it was.
func (p *process) restart(ctx context.Context) error {
	p.Stop()
	return p.run(ctx, p.Args())
}

// run starts the server and waits until it accepts connections.
func (p *process) run(ctx context.Context, args []string) (err error) {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = p.env
	if p.Process, err = machine.Start(ctx, cmd, p.addr, args[0]+".log"); err != nil {
		return err
	}
	time.Sleep(settle)
	p.pids = []int{p.Pid()}
	if p.server.nginx {
		if err := demo.WaitForNginx(p.Pid()); err != nil {
			p.Stop()
			return err
		}
	}
	if p.server.inner {
		p.pids, p.nginx, err = demo.Descendants(p.Pid())
	}
	return err
}
