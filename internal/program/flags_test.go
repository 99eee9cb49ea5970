package program

import (
	"flag"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/sse/sse"
)

// parse calls Parse with a command line and variables, each as "NAME=value".
func parse(args string, variables ...string) (Options, error) {
	environment := make(map[string]string)
	for _, v := range variables {
		name, value, _ := strings.Cut(v, "=")
		environment[name] = value
	}
	return Parse(strings.Fields(args), func(name string) string { return environment[name] }, io.Discard)
}

func TestFlagsSetTheBrokersOptions(t *testing.T) {
	for args, want := range map[string]sse.Options{
		"":                            {History: sse.DefaultHistory, Heartbeat: sse.DefaultHeartbeat},
		"-history 1000 -heartbeat 5s": {History: 1000, Heartbeat: 5 * time.Second},
	} {
		if o, err := parse(args); o.Broker != want || err != nil {
			t.Errorf("%q: %+v, %v; want %+v", args, o.Broker, err, want)
		}
	}
}

// samples are a value for each flag that is not its default, and what else the flag needs.
var samples = map[string][2]string{
	"addr": {":1"}, "admin-addr": {":2"}, "interval": {"1m0s"}, "cert": {"a.pem", "-key a.pem"}, "key": {"a.pem", "-cert a.pem"},
	"publish-token-file": {"token"}, "allow-origin": {"https://a.example,https://b.example", "-publish-token-file token"},
	"jwt-key-file": {"key"}, "jwt-cookie": {"token", "-jwt-key-file key"}, "jwt-default-topic": {"true", "-jwt-key-file key"},
	"jwt-audience": {"us", "-jwt-key-file key"}, "jwt-issuer": {"me", "-jwt-key-file key"},
	"history": {"1000"}, "heartbeat": {"5s"}, "log": {"json"}, "drain": {"30s"},
	"data": {"events"}, "data-bytes": {"1000", "-data events"},
	"nats": {"localhost"}, "nats-creds": {"creds", "-nats localhost"}, "nats-replicas": {"3", "-nats localhost"},
}

func TestEachFlagIsAVariableTooAndTheFlagWins(t *testing.T) {
	defaults, _ := parse("")
	n := 0
	forEachFlag(t, &defaults, func(name, standard string) {
		sample, needs := samples[name][0], samples[name][1]
		if slices.Contains(actions, name) {
			return
		}
		n++
		if sample == "" || sample == standard {
			t.Fatalf("-%s has no sample", name)
		}
		set := "SSE_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_")) + "="
		for what, test := range map[string]struct{ args, variable, want, as string }{
			"the variable alone": {needs, set + sample, sample, set[:len(set)-1]},
			"the flag alone":     {needs + " -" + name + "=" + sample, "", sample, "-" + name},
			"both":               {needs + " -" + name + "=" + sample, set + "wrong", sample, "-" + name},
			"an empty variable":  {"", set, standard, "-" + name},
			"none":               {"", "", standard, "-" + name},
		} {
			o, err := parse(test.args, test.variable)
			if err != nil {
				t.Errorf("%s, %s: %v", name, what, err)
				continue
			}
			forEachFlag(t, &o, func(other, value string) {
				if other == name && value != test.want {
					t.Errorf("%s, %s: %q, want %q", name, what, value, test.want)
				}
			})
			if got := o.GivenAs(name); got != test.as {
				t.Errorf("%s, %s: it was given as %q, want %q", name, what, got, test.as)
			}
		}
	})
	if n != len(samples) {
		t.Errorf("there are %d flags, and samples of %d", n, len(samples))
	}
}

// forEachFlag calls f with the name and the value of each flag.
func forEachFlag(t *testing.T, o *Options, f func(name, value string)) {
	t.Helper()
	is := *o
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	o.define(flags) // which sets the defaults
	*o = is
	flags.VisitAll(func(defined *flag.Flag) { f(defined.Name, defined.Value.String()) })
}

func TestVariablesOfOthersArePassedOver(t *testing.T) {
	// What Kubernetes sets where a service has the name sse.
	o, err := parse("", "SSE_PORT=tcp://10.0.0.1:80", "SSE_SERVICE_HOST=10.0.0.1", "SSE_VERSION=true", "ADDR=:1")
	if err != nil || o.Addr != ":8080" {
		t.Errorf("%+v, %v", o, err)
	}
}

func TestHelpNamesEachFlagAndItsVariable(t *testing.T) {
	var help strings.Builder
	if _, err := Parse([]string{"-h"}, func(string) string { return "" }, &help); err != ErrDone {
		t.Error(err)
	}
	for name := range samples {
		_, after, _ := strings.Cut(strings.ReplaceAll(help.String(), "\n    \t", " "), "  -"+name+" ")
		usage, _, _ := strings.Cut(after, "\n  -")
		if !strings.Contains(usage, "; "+variable(name)) {
			t.Errorf("-%s is not there with %s:\n%s", name, variable(name), &help)
		}
	}
	if !strings.Contains(help.String(), "  -version\n") || strings.Contains(help.String(), "SSE_VERSION") {
		t.Errorf("-version is not there, or has a variable:\n%s", &help)
	}
}
