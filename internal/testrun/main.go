// Command testrun runs the tests of modules, given as folders, names each as it ends, and closes
// with one line: how many passed, failed and were skipped.
//
//	go run ./internal/testrun [flags] folder...
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
	args := []string{"test", "-json", "-race", "-count=1", "-timeout=40m"}
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
		for _, folder := range flag.Args() {
			if len(stopped) == 0 {
				run(sum, folder, append(args, "./..."))
			}
		}
	}
	sum.close(*rounds)
	if sum.failed > 0 || len(stopped) > 0 {
		os.Exit(1)
	}
}

// run runs the tests of a module.
func run(sum *summary, folder string, args []string) {
	cmd := exec.Command("go", args...)
	cmd.Dir = folder
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		sum.fail(folder, err.Error()+"\n")
		return
	}
	before := sum.failed
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Println(lines.Text()) // It is not from the tests, but about go.mod, say.
			continue
		}
		sum.add(e)
	}
	if err := cmd.Wait(); err != nil && sum.failed == before {
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
