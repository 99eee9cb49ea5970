package program

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"example.com/sse/internal/files"
	"example.com/sse/internal/rights"
)

// MakeToken is the command "token", whose arguments are args: it prints a token for the server's -jwt-key-file to
// out, and nothing else. What goes wrong is one line to complaints. MakeToken returns the exit code: 0, 1 where
// the key can't be used, or 2 where the arguments are wrong.
func MakeToken(args []string, out, complaints io.Writer) (code int) {
	var key string
	var ttl time.Duration
	var token rights.Token
	var o rights.Options
	flags := flag.NewFlagSet("token", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&key, "key", "", "sign with the key in this `file`: a private key in PEM, or a secret for HS256")
	flags.Func("subscribe", "let the token read this `topic`, or with mail/* all topics that begin with mail/; more than once for several", appendTo(&token.Subscribe))
	flags.Func("publish", "let the token publish to this `topic`, likewise", appendTo(&token.Publish))
	flags.DurationVar(&ttl, "ttl", time.Hour, "let the token expire after this `duration`, such as 90s or 8h")
	flags.StringVar(&o.Audience, "audience", "", "the `name` of whom the token is for, where the server has -jwt-audience")
	flags.StringVar(&o.Issuer, "issuer", "", "the `name` of who makes the token, where the server has -jwt-issuer")
	fail := func(code int, err error) int {
		fmt.Fprintf(complaints, "sse token: %v\n", err)
		return code
	}
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(out, "Prints a token that lets its bearer read or publish to topics.\n\nUsage: sse token -key file [flags]\n\n")
		flags.SetOutput(out)
		flags.PrintDefaults()
		return 0
	case err != nil:
	case flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument: %q", flags.Arg(0))
	case key == "":
		err = errors.New("-key is missing: which file has the key?")
	case len(token.Subscribe)+len(token.Publish) == 0:
		err = errors.New("-subscribe and -publish are missing: what may the token do?")
	case ttl < time.Second:
		err = fmt.Errorf("-ttl must be at least a second: %v", ttl)
	}
	if err != nil {
		return fail(2, fmt.Errorf("%w (-h lists the flags)", err))
	}
	content, err := os.ReadFile(key)
	if err != nil {
		return fail(1, err)
	}
	token.Expires = time.Now().Add(ttl)
	text, err := rights.Make(content, token, o)
	if err != nil {
		return fail(1, fmt.Errorf("%s: %w", key, err))
	}
	if warning := files.Exposed(key, "make tokens"); warning != "" {
		fmt.Fprintf(complaints, "sse token: -key: %s\n", warning)
	}
	fmt.Fprintln(out, text)
	return 0
}

// appendTo returns the function of a flag that may be given several times. Each time it is one topic, commas and all:
// a script that puts a user's name into it must not grant what comes after a comma in that name.
func appendTo(topics *rights.Topics) func(string) error {
	return func(topic string) error {
		*topics = append(*topics, topic)
		return nil
	}
}
