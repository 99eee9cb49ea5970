package server

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// UntilSignal returns a context that ends with the first SIGINT, SIGTERM or SIGHUP. A second one
// ends the process at once, as though nothing caught it, even if it comes in the same moment.
// SIGHUP, which comes when a terminal is closed, stays ignored where it was: nohup(1) does that.
//
// No trouble with the log ends the process: from now on writing to a pipe without a reader returns an error
// and sends no signal, and a terminal does not stop a process in the background that writes to it.
func UntilSignal() context.Context {
	signal.Ignore(aboutWriting...)
	signals := make(chan os.Signal, 2) // The second is not missed while the first is being handled.
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-signals
		cancel()
		signal.Stop(signals)
		select {
		case again := <-signals:
			self, err := os.FindProcess(os.Getpid())
			if err != nil || self.Signal(again) != nil { // Windows can't send it.
				os.Exit(1)
			}
		default: // A second signal that comes from now on ends the process by itself, since nothing catches it.
		}
	}()
	return ctx
}
