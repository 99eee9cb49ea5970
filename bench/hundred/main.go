// Hundred measures 100,000 clients on servers that share one NATS, on this machine and its loopback network alone: what
// they cost, and what happens to them when one of the servers is killed. It prints a table, and its exit code is 1
// where an event was lost or doubled.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"example.com/sse/bench/format"
)

// options are the command line's flags.
type options struct {
	clients  int
	interval time.Duration
	duration time.Duration
}

// check returns what is wrong with the flags.
func (o options) check() error {
	if o.clients <= 0 || o.interval <= 0 {
		return errors.New("-clients and -interval must be positive")
	}
	if o.duration < o.interval {
		return errors.New("-duration must be an interval at least")
	}
	return nil
}

// limit is how long one interval may be measured.
const limit = 140 * time.Second

func main() {
	if len(os.Args) > 1 && os.Args[1] == loadCommand {
		os.Exit(loadProcess(os.Args[2:]))
	}
	var o options
	flag.IntVar(&o.clients, "clients", 100_000, "the `number` of clients")
	flag.DurationVar(&o.interval, "interval", time.Second, "an event each `duration`; where that is too fast for this machine, each two of it, too")
	flag.DurationVar(&o.duration, "duration", 20*time.Second, "measure for this `duration` before a server is killed")
	flag.Parse()
	if err := o.check(); err != nil {
		fmt.Fprintln(os.Stderr, "hundred:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop) // A second signal ends the program at once, and the kernel what it has started.
	files, err := maxFiles()
	if err == nil {
		err = measure(ctx, o, files, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "hundred:", err)
		os.Exit(1)
	}
}

// errNotOnce is the error where clients did not get each event once.
var errNotOnce = errors.New("not every client got each event once")

// measure measures where a process may open a number of files, and prints its progress and the table.
func measure(ctx context.Context, o options, files int, out io.Writer) error {
	began := time.Now()
	say := func(line string, args ...any) {
		fmt.Fprintf(out, "%3.0f s  %s\n", time.Since(began).Seconds(), fmt.Sprintf(line, args...))
	}
	dir, err := os.MkdirTemp("", "hundred")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	say("building the server and nats-server")
	b, err := build(ctx, dir)
	if err != nil {
		return err
	}
	s := sizesFor(o.clients, files)
	say("a process may open %s files here: %d servers, so that all but one of them have room for all clients, and %d processes of the load",
		format.Thousands(int64(files)), s.servers, s.loads)
	var all []*figures
	for interval := o.interval; interval <= 2*o.interval; interval *= 2 {
		r := &run{options: o, sizes: s, binaries: b, dir: dir, say: say}
		r.interval = interval
		f, failure := r.measured(ctx)
		if failure != nil {
			failure = fmt.Errorf("an event each %v: %w", interval, failure)
			err = errors.Join(err, failure)
			if ctx.Err() != nil {
				break
			}
			say("%v", failure) // Half as many events may leave the time to connect all clients.
			continue
		}
		all = append(all, f)
		if f.lagWorst < interval {
			break
		}
		say("the last client got an event %v after it was due", f.lagWorst.Round(time.Millisecond))
	}
	if len(all) > 0 {
		fmt.Fprintf(out, "\n%s", table(o, s, all))
	}
	return errors.Join(err, verdict(all))
}

// verdict returns an error unless all clients are back and got each event once.
func verdict(all []*figures) error {
	for _, f := range all {
		if f.lost != 0 || f.doubled != 0 || !f.back {
			return errNotOnce
		}
	}
	return nil
}
