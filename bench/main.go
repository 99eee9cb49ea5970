// Bench measures this project's server side by side with what people would use instead: each
// in turn as its own process, all under the same load, on this machine and its loopback
// network alone. It prints a table, and writes results.md and results.svg.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// options are the command line's flags.
type options struct {
	servers  string
	only     string
	clients  int
	interval time.Duration
	duration time.Duration
	rounds   int
	out      string
}

// kinds are the values of -only.
var kinds = []string{"calm", "https", "growth", "overload", "topics", "store"}

// check returns what is wrong with the flags.
func (o options) check() error {
	if _, err := choose(o.servers); err != nil {
		return fmt.Errorf("-servers: %w", err)
	}
	if o.only != "" && !slices.Contains(kinds, o.only) {
		return fmt.Errorf("-only: no kind of run is named %q", o.only)
	}
	if o.clients <= 0 || o.interval <= 0 || o.duration <= 0 || o.rounds <= 0 {
		return errors.New("-clients, -interval, -duration and -rounds must be positive")
	}
	return nil
}

// Without a flag there are 9,000 clients, and so 1,000, 2,000 and 18,000 in the runs with other numbers.

// few is the number of clients in the small runs and under overload.
func (o options) few() int { return max(1, o.clients/9) }

// secure is the number of clients over HTTPS.
func (o options) secure() int { return max(1, o.clients*2/9) }

// most is the number of clients in the run that shows how cost grows.
func (o options) most() int { return 2 * o.clients }

// spare is how many file descriptors a process needs for other things than its clients.
const spare = 200

// fit lowers the number of clients to what the process may open, and says so.
func (o *options) fit() error {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return err
	}
	// Go has raised the soft limit to the hard one. Twice: the most, and the seed's
	// program keeps the connections of those who left.
	if fits := (int(min(files.Max, 1<<20)) - spare) / 2; o.clients > fits {
		fmt.Printf("A process may open %d files here, so there are %d clients instead of %d (ulimit -Hn).\n", files.Max, fits, o.clients)
		o.clients = fits
	}
	return nil
}

func main() {
	var o options
	flag.StringVar(&o.servers, "servers", "all", "the `names` of the servers, with commas: "+names())
	flag.StringVar(&o.only, "only", "", "one `kind` of run only: "+strings.Join(kinds, ", "))
	flag.IntVar(&o.clients, "clients", 9000, "the `number` of clients: two ninths of it over HTTPS, a ninth under overload, from a ninth to twice it to see how this server's cost grows, and twice it with a topic each; a ninth more where some lack events that are on disk")
	flag.DurationVar(&o.interval, "interval", time.Second, "an event each `duration`, over HTTPS each half of it")
	flag.DurationVar(&o.duration, "duration", 2*time.Second, "measure for about this `duration`, and for half of it under overload")
	flag.IntVar(&o.rounds, "rounds", 3, "the `number` of times each server has its turn; the figures are medians")
	flag.StringVar(&o.out, "out", "results", "write `name`.md and name.svg; empty for neither")
	flag.Parse()
	if err := o.check(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop) // A second signal ends the program at once, and the kernel the servers.
	if err := measure(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func names() string {
	var names []string
	for _, s := range servers {
		names = append(names, s.name)
	}
	return strings.Join(names, ",")
}

var errStopped = errors.New("stopped")

// A bench is what all runs have in common.
type bench struct {
	certificate
	binaries map[string]string // by server
	started  map[string]string // the binaries of what servers' programs start, by server
}

// measure does all rounds and reports.
func measure(ctx context.Context, o options) error {
	chosen, err := choose(o.servers)
	if err != nil {
		return err
	}
	if err := o.fit(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := bench{binaries: make(map[string]string), started: make(map[string]string)}
	if b.certificate, err = makeCertificate(dir); err != nil {
		return err
	}
	if slices.ContainsFunc(chosen, func(s server) bool { return s.name == proxied }) {
		// proxied starts this server's program itself.
		if b.started[proxied], err = servers[0].build(ctx, dir); err != nil {
			return err
		}
	}
	began := time.Now()
	res := results{options: o, began: began, versions: map[string]string{}, figures: map[string]map[string][]float64{}}
	for _, s := range chosen {
		fmt.Printf("building %s: %s\n", s.name, s.what)
		binary, err := s.build(ctx, dir)
		if err == nil && s.starts != "" {
			b.started[s.name], err = s.buildStarted(ctx, dir)
		}
		if ctx.Err() != nil {
			return errStopped
		}
		if err != nil && s.starts == "" {
			return err
		}
		version := ""
		if err == nil {
			version, err = s.version(binary, b.started[s.name])
		}
		if err != nil {
			fmt.Printf("%s is left out: %v\n", s.name, err)
			continue
		}
		b.binaries[s.name], res.versions[s.name] = binary, version
		res.servers = append(res.servers, s)
	}
	for round := range o.rounds {
		// All servers' turns of one kind in a row: what else this machine does weighs on all alike.
		for t := range o.turns(servers[0]) {
			for i := range res.servers {
				s := res.servers[(i+round)%len(res.servers)] // In each round another server is first.
				r := &run{ctx: ctx, server: s, turn: o.turns(s)[t], figures: figures{}}
				if r.steps == nil || r.once && round > 0 {
					continue
				}
				err := b.do(r)
				if ctx.Err() != nil {
					return errStopped
				}
				fmt.Printf("%3.0f s  round %d  %-7s %s", time.Since(began).Seconds(), round+1, s.name, r.figures)
				if err != nil {
					fmt.Printf(" %v", err)
				}
				fmt.Println()
				res.add(s, r.figures)
			}
		}
	}
	fmt.Println()
	fmt.Print(res.table(false))
	fmt.Println()
	fmt.Print(res.bars())
	if o.out == "" {
		return nil
	}
	res.took = time.Since(began)
	return res.write(o.out)
}
