package program

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
)

// ErrDone is Parse's error where nothing is left to do: Parse has printed what was asked for.
var ErrDone = errors.New("done")

// Parse reads the command line and the environment: each flag can be given as a variable, too, such as
// SSE_ADDR for -addr, and the flag wins. A variable that is empty is as one that is not set, since a
// container's or a unit's file can't unset one that was set elsewhere. Variables that are no flag's are
// passed over: Kubernetes sets some, such as SSE_PORT, where a service has the name sse.
//
// The error is one line, which names the flag or the variable; [ErrDone] after -h and -version, for which
// Parse prints to out.
func Parse(args []string, getenv func(string) string, out io.Writer) (o Options, err error) {
	flags := flag.NewFlagSet("sse", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	o.define(flags)
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		help(flags, out)
		return o, ErrDone
	case err != nil:
		return o, err
	case flags.NArg() > 0:
		return o, fmt.Errorf("unexpected argument: %q", flags.Arg(0))
	case o.version:
		fmt.Fprintln(out, Version())
		return o, ErrDone
	}
	if o.givenAs, err = readVariables(flags, getenv); err != nil {
		return o, err
	}
	return o, o.check()
}

// readVariables sets each flag that is not on the command line, but has a variable. It returns what each flag that is
// given was given as, by its name: "-addr" or "SSE_ADDR".
func readVariables(flags *flag.FlagSet, getenv func(string) string) (givenAs map[string]string, err error) {
	givenAs = make(map[string]string)
	flags.Visit(func(f *flag.Flag) {
		givenAs[f.Name] = "-" + f.Name
		if f.Value.String() == "" { // A script has given it an unset variable, say.
			err = fmt.Errorf("-%s is empty", f.Name)
		}
	})
	flags.VisitAll(func(f *flag.Flag) {
		name := variable(f.Name)
		if givenAs[f.Name] != "" || name == "" || err != nil {
			return
		}
		if value := getenv(name); value != "" {
			givenAs[f.Name] = name
			if cause := f.Value.Set(value); cause != nil {
				err = fmt.Errorf("invalid value %q for %s: %w", value, name, cause)
			}
		}
	})
	return givenAs, err
}

// actions are the flags that are no settings: the program does what they ask for, and ends. They have no variable.
var actions = []string{"healthcheck", "version"}

// variable returns the name of a flag's environment variable, "SSE_NATS_CREDS" for -nats-creds, or "" where it has none.
func variable(flag string) string {
	if slices.Contains(actions, flag) {
		return ""
	}
	return "SSE_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// help prints what the flags and their variables mean.
func help(flags *flag.FlagSet, out io.Writer) {
	fmt.Fprint(out, "Serves a page at / and its event stream at /events.\n\nUsage: sse [flags]\n       sse token [flags]   makes a token for -jwt-key-file; sse token -h\n\n"+
		"Each flag can be given as the environment variable that is named with it. The flag wins.\n\n")
	flags.VisitAll(func(f *flag.Flag) {
		if name := variable(f.Name); name != "" {
			f.Usage += "; " + name
		}
	})
	flags.SetOutput(out)
	flags.PrintDefaults()
}
