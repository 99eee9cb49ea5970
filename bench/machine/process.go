// Package machine starts programs, and reads what they and the kernel take of this machine.
package machine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// A Process is a program that accepts connections.
type Process struct {
	cmd    *exec.Cmd
	exited chan struct{}
}

// Build builds a package, as the module in a folder has it, into a file.
func Build(ctx context.Context, dir, pkg, binary string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, pkg)
	cmd.Dir = dir
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // ends what it has started, too
	if output, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s in %s: %w\n%s", pkg, dir, err, output)
	}
	return binary, nil
}

// Start runs a command, which prints into a file, and waits until it accepts connections.
func Start(ctx context.Context, cmd *exec.Cmd, addr netip.AddrPort, output string) (*Process, error) {
	// Into a file, so that this process need not read it.
	file, err := os.Create(output)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	cmd.Stdout, cmd.Stderr = file, file
	// A group of its own: Ctrl-C reaches this program only, which then ends the whole group.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Process{cmd: cmd, exited: make(chan struct{})}
	go func() {
		defer close(p.exited)
		cmd.Wait()
	}()
	for limit := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", addr.String())
		if err == nil {
			conn.Close()
			return p, nil
		}
		select {
		case <-p.exited:
			printed, _ := os.ReadFile(output)
			return nil, fmt.Errorf("ended at once: %s", bytes.TrimSpace(printed))
		default:
		}
		if time.Now().After(limit) || ctx.Err() != nil {
			p.Stop()
			return nil, errors.New("does not accept connections")
		}
	}
}

// Args returns the program's command line.
func (p *Process) Args() []string { return p.cmd.Args }

// Pid returns the program's process ID.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Signal sends a signal to the program.
func (p *Process) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// Stop ends the program and all that it started. Of a nil Process, which could not be started, there is nothing to end.
func (p *Process) Stop() {
	if p == nil {
		return
	}
	syscall.Kill(-p.Pid(), syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(3 * time.Second):
	}
	syscall.Kill(-p.Pid(), syscall.SIGKILL)
	<-p.exited
	// What the program had started is gone a moment later.
	for range 100 {
		if syscall.Kill(-p.Pid(), 0) != nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
}
