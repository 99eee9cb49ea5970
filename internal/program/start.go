package program

import (
	"errors"
	"os"

	"github.com/kataras/golog"
)

// The program's exit codes beside 0.
const (
	exitFailed = 1
	exitUsage  = 2 // The command line or a variable is wrong.
)

// A usageError is an error of what the command line or a variable says.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// Start reads the command line and the environment, and returns the options and the log, which goes to the standard
// output. Where something else is asked for than to serve (-h, -version, -healthcheck, the command token), Start does
// that instead and ends the process. It also ends the process where the options are wrong, and says in one line why.
func Start() (*Options, *Output) {
	if len(os.Args) > 1 && os.Args[1] == "token" {
		os.Exit(MakeToken(os.Args[2:], os.Stdout, os.Stderr))
	}
	o, err := Parse(os.Args[1:], os.Getenv, os.Stdout)
	if errors.Is(err, ErrDone) {
		os.Exit(0)
	}
	log := LogTo(os.Stdout, golog.Default.Printer.IsTerminal, o.Log == "json")
	if err != nil {
		log.Fail(exitUsage, "%v (-h lists the flags)", err)
	}
	if o.CheckHealth {
		log.End(CheckHealth(o))
		os.Exit(0)
	}
	o.Broker.Log = log
	return &o, log
}

// End ends the program with exit code 1, or 2 where the options are wrong, and says in one line why. After a nil error
// it only waits until the log is written.
func (o *Output) End(err error) {
	code := exitFailed
	if wrong := (usageError{}); errors.As(err, &wrong) {
		code = exitUsage
	}
	if err != nil {
		o.Fail(code, "%v", err)
	}
	o.Flush()
}
