package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"example.com/sse/bench/load"
)

// loadCommand makes this program a process of the load. Its arguments are how many clients it has, which of all its first one
// is, and the servers' addresses, with commas. When all are connected, and for each line that it reads, it prints a report
// of a line. It ends when there is nothing more to read.
const loadCommand = "load"

// askForReturns is the line that asks for the returns of clients, too.
const askForReturns = "returns"

// A report is what a process of the load has seen so far.
type report struct {
	Error    string // why there is no report
	Counts   load.Counts
	Open     int // clients connected
	Returned int // clients that have come back
	Receipts []load.Receipt
	Returns  []load.Return
}

// loadProcess is a process of the load. It returns its exit code.
func loadProcess(args []string) int {
	answers := json.NewEncoder(os.Stdout)
	if err := runLoad(args, os.Stdin, answers); err != nil {
		answers.Encode(report{Error: err.Error()})
		return 1
	}
	return 0
}

func runLoad(args []string, questions io.Reader, answers *json.Encoder) error {
	if len(args) != 3 {
		return fmt.Errorf("%q are no arguments of %s", args, loadCommand)
	}
	clients, _ := strconv.Atoi(args[0])
	first, _ := strconv.Atoi(args[1])
	var servers []netip.AddrPort
	for s := range strings.SplitSeq(args[2], ",") {
		addr, err := netip.ParseAddrPort(s)
		if err != nil {
			return err
		}
		servers = append(servers, addr)
	}
	l, err := newLoad(servers, first)
	if err != nil {
		return err
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	asked := make(chan string)
	go func() {
		defer cancel()
		for lines := bufio.NewScanner(questions); lines.Scan(); {
			asked <- lines.Text()
		}
	}()
	if err := l.Connect(ctx, clients, false); err != nil {
		return err
	}
	for question := ""; ; {
		r := report{Counts: l.Counts(), Open: l.Open(), Returned: len(l.Returns()), Receipts: l.Receipts()}
		if question == askForReturns {
			r.Returns = l.Returns()
		}
		if err := answers.Encode(r); err != nil {
			return err
		}
		got := l.Until(ctx, time.Hour, func() bool {
			select {
			case question = <-asked:
				return true
			default:
				return false
			}
		})
		if !got {
			return ctx.Err() // of use to nobody: nobody asks any more
		}
	}
}

// streamPath is the path of every client's stream.
func streamPath(int, string) string { return "/events" }

// newLoad returns a load without clients on servers, at which its clients come back.
func newLoad(servers []netip.AddrPort, first int) (*load.Load, error) {
	l, err := load.New(servers[0], streamPath, load.HTTP, nil)
	if err == nil {
		l.ServedBy(serversOf(servers, first))
		l.ComeBack()
	}
	return l, err
}

// A loader is a process of the load, as the program sees it that started it.
type loader struct {
	cmd       *exec.Cmd
	questions io.WriteCloser
	answers   *json.Decoder
}

// startLoader starts a process with a number of clients. It ends with ctx.
func startLoader(ctx context.Context, servers []netip.AddrPort, clients, first int) (*loader, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	var addrs []string
	for _, s := range servers {
		addrs = append(addrs, s.String())
	}
	l := &loader{cmd: exec.CommandContext(ctx, self, loadCommand, strconv.Itoa(clients), strconv.Itoa(first), strings.Join(addrs, ","))}
	l.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	l.cmd.Stderr = os.Stderr
	if l.questions, err = l.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	answers, err := l.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	l.answers = json.NewDecoder(answers)
	return l, l.cmd.Start()
}

func (l *loader) pid() int { return l.cmd.Process.Pid }

// ask asks for a report, which receive returns.
func (l *loader) ask(question string) error {
	_, err := io.WriteString(l.questions, question+"\n")
	return err
}

func (l *loader) receive() (r report, err error) {
	if err := l.answers.Decode(&r); err != nil {
		return r, fmt.Errorf("a process of the load: %w", err)
	}
	if r.Error != "" {
		return r, fmt.Errorf("a process of the load: %s", r.Error)
	}
	return r, nil
}

// stop ends the process.
func (l *loader) stop() {
	l.cmd.Process.Kill()
	l.cmd.Wait()
}
