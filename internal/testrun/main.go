// Command testrun runs the tests of modules, given as folders, names each as it ends, and closes
// with one line: how many passed, failed and were skipped. The modules' tests run at the same
// time, since most of them only wait.
//
//	go run ./internal/testrun [flags] folder...
//
// gotestsum would do that for one module and one round. It runs neither several at the same time nor several rounds that it counts
// together, keeps no core busy, and lists skipped tests one by one: here one line names all that lack the same.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
)

func main() {
	rounds := flag.Int("rounds", 1, "run all tests `N` times")
	busy := flag.Bool("busy", false, "keep every core busy meanwhile")
	short := flag.Bool("short", false, "tell the tests to be short")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: testrun [flags] folder...")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 || *rounds < 1 {
		flag.Usage()
		os.Exit(2)
	}
	// Most packages only wait, too: four at a time, and not one a core.
	args := []string{"test", "./...", "-json", "-race", "-count=1", "-timeout=40m", "-p=4"}
	if *short {
		args = append(args, "-short")
	}
	if *rounds > 1 {
		args = append(args, "-shuffle=on")
	}
	if *busy {
		keepBusy()
	}
	// Whoever stops this with Ctrl-C stops go test, too, and still wants to know what failed.
	stopped := make(chan os.Signal, 1)
	signal.Notify(stopped, os.Interrupt, syscall.SIGTERM)
	sum := newSummary(os.Stdout)
	for round := range *rounds {
		if *rounds > 1 {
			fmt.Printf("\n== round %d of %d ==\n", round+1, *rounds)
		}
		if len(stopped) > 0 {
			break
		}
		var modules sync.WaitGroup
		for _, folder := range flag.Args() {
			modules.Go(func() { run(sum, folder, args) })
		}
		modules.Wait()
	}
	sum.close(*rounds)
	if sum.failed > 0 || len(stopped) > 0 {
		os.Exit(1)
	}
}

// run runs the tests of a module. Several modules' may run at the same time.
func run(sum *summary, folder string, args []string) {
	cmd := exec.Command("go", args...)
	cmd.Dir = folder
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		sum.Lock()
		defer sum.Unlock()
		sum.fail(folder, err.Error()+"\n")
		return
	}
	failed := false
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Println(lines.Text()) // It is not from the tests, but about go.mod, say.
			continue
		}
		sum.Lock()
		before := sum.failed
		sum.add(e)
		failed = failed || sum.failed > before
		sum.Unlock()
	}
	if err := cmd.Wait(); err != nil && !failed {
		sum.Lock()
		defer sum.Unlock()
		sum.fail(folder, "go test: "+err.Error()+"\n")
	}
}

// keepBusy keeps every core busy until the process ends.
func keepBusy() {
	cores := runtime.NumCPU()
	runtime.GOMAXPROCS(cores + 1) // One is for what counts the results.
	for range cores {
		go func() {
			//lint:ignore SA5002 That is what it is for.
			for {
			}
		}()
	}
}
