package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"example.com/sse/bench/load"
	"example.com/sse/bench/rivals/demo"

	"golang.org/x/sys/unix"
)

// settle is how long a server that accepts connections already has to finish its start.
const settle = 200 * time.Millisecond

// A process is a server that runs.
type process struct {
	server server
	cmd    *exec.Cmd
	addr   netip.AddrPort
	output *os.File // what it prints
	pids   []int    // the processes whose cost counts
	nginx  []int    // those of them that are nginx's
	exited chan struct{}
}

// start starts a server on a free port.
func (b *bench) start(ctx context.Context, s server, t turn) (*process, error) {
	addr, err := demo.FreeAddr()
	if err != nil {
		return nil, err
	}
	binary := b.binaries[s.name]
	args := []string{"-addr", addr.String(), "-interval", t.interval.String()}
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
	p := &process{server: s, cmd: exec.Command(binary, append(args, stored...)...), addr: addr}
	p.cmd.Env = append(os.Environ(), "SERVER="+b.started[s.name])
	return p, p.run(ctx)
}

// restart ends the server, and starts it again as it was.
func (p *process) restart(ctx context.Context) error {
	p.stop()
	again := exec.Command(p.cmd.Path, p.cmd.Args[1:]...)
	again.Env = p.cmd.Env
	p.cmd = again
	return p.run(ctx)
}

// run starts the server's command and waits until the server accepts connections.
func (p *process) run(ctx context.Context) (err error) {
	// Into a file, so that this process need not read it.
	if p.output, err = os.Create(p.cmd.Path + ".log"); err != nil {
		return err
	}
	defer p.output.Close()
	p.exited = make(chan struct{})
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	// A group of its own: Ctrl-C reaches this program only, which then ends the whole group.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := p.cmd.Start(); err != nil {
		return err
	}
	go func(cmd *exec.Cmd, exited chan struct{}) {
		cmd.Wait()
		close(exited)
	}(p.cmd, p.exited)
	for limit := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", p.addr.String())
		if err == nil {
			conn.Close()
			break
		}
		select {
		case <-p.exited:
			output, _ := os.ReadFile(p.output.Name())
			return fmt.Errorf("ended at once: %s", bytes.TrimSpace(output))
		default:
		}
		if time.Now().After(limit) || ctx.Err() != nil {
			p.stop()
			return errors.New("does not accept connections")
		}
	}
	time.Sleep(settle)
	p.pids = []int{p.cmd.Process.Pid}
	if p.server.nginx {
		if err := demo.WaitForNginx(p.cmd.Process.Pid); err != nil {
			p.stop()
			return err
		}
	}
	if p.server.inner {
		p.pids, p.nginx, err = demo.Descendants(p.cmd.Process.Pid)
	}
	return err
}

// stop ends the server and all that it started.
func (p *process) stop() {
	if p.cmd.Process == nil {
		return // restart could not start it again.
	}
	syscall.Kill(-p.cmd.Process.Pid, syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(3 * time.Second):
	}
	syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.exited
	// What the server had started is gone a moment later.
	for range 100 {
		if syscall.Kill(-p.cmd.Process.Pid, 0) != nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// cpu returns the processor time, user and system, that processes have taken: from their
// clocks, which count nanoseconds; /proc's count is in steps of 10 ms.
func cpu(pids []int) (total time.Duration, err error) {
	for _, pid := range pids {
		var t unix.Timespec
		// The number of another process's clock, as clock_getcpuclockid(3) makes it: the process's ID with all bits
		// inverted, and in the lowest three bits 2, which is the kernel's CPUCLOCK_SCHED.
		if err := unix.ClockGettime(int32(^pid<<3|2), &t); err != nil {
			return 0, fmt.Errorf("process %d's clock: %w", pid, err)
		}
		total += time.Duration(t.Nano())
	}
	return total, nil
}

// memory returns the resident memory of processes in KiB. What several of them share counts
// once.
func memory(pids []int) (kib int, err error) {
	for _, pid := range pids {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			return 0, err
		}
		for line := range strings.Lines(string(b)) {
			if fields := strings.Fields(line); fields[0] == "Pss:" {
				n, err := strconv.Atoi(fields[1])
				if err != nil {
					return 0, err
				}
				kib += n
			}
		}
	}
	return kib, nil
}
