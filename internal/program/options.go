package program

import (
	"flag"
	"fmt"
	"net/http"
	"time"

	"example.com/sse/cluster"
	"example.com/sse/sse"
	"example.com/sse/store"
)

// Options are what the command line and the environment say. No option holds a token or a key, since other users may
// see a command line, and children inherit an environment. Tokens and keys are in files, whose paths are options.
type Options struct {
	Addr                 string
	AdminAddr            string        // of the figures; empty where they are at Addr
	Interval             time.Duration // between two ticks
	Cert, Key, TokenFile string        // paths; empty where there is none: without Cert and Key the server speaks HTTP
	Origins              OriginList    // of the pages that may publish, and send cookies
	Keys                 KeyOptions
	Broker               sse.Options
	NATS                 cluster.Options
	Data                 store.Options
	Drain                time.Duration // over which the streams end when the server is to stop
	Log                  string        // "text" or "json"

	// CheckHealth says that the process is to ask the server that runs whether it is well, and not to serve itself.
	CheckHealth bool

	version bool              // print the version, and end
	givenAs map[string]string // by flag: see GivenAs
}

// define defines all flags. [Parse] gives each a variable, too.
func (o *Options) define(flags *flag.FlagSet) {
	flags.StringVar(&o.Addr, "addr", ":8080", "listen on this `host:port`, or unix:path for a Unix socket")
	flags.StringVar(&o.AdminAddr, "admin-addr", "", "serve /stats and /metrics on this `host:port`, or unix:path, instead, over plain HTTP")
	flags.DurationVar(&o.Interval, "interval", 2*time.Second, "publish an event each `duration`, such as 500ms or 2s")
	flags.StringVar(&o.Cert, "cert", "", "serve HTTPS and HTTP/2 with the certificate in this PEM `file`")
	flags.StringVar(&o.Key, "key", "", "the certificate's private key, a PEM `file`")
	flags.StringVar(&o.TokenFile, "publish-token-file", "", "let POST /events publish with the token in this `file`'s first line")
	flags.Var(&o.Origins, "allow-origin", "let the pages of these `origins` publish and send cookies, too, such as https://example.com, separated by commas")
	flags.StringVar(&o.Keys.File, "jwt-key-file", "", "let topics be read and published to with JSON Web Tokens alone, by the public keys or the secret in this `file`")
	flags.StringVar(&o.Keys.Cookie, "jwt-cookie", "", "take a token from the cookie with this `name`, too")
	flags.BoolVar(&o.Keys.Default, "jwt-default-topic", false, "let the default topic need a token, too, one that may subscribe to the topic \"\"")
	flags.StringVar(&o.Keys.Audience, "jwt-audience", "", "take only tokens for the audience of this `name`")
	flags.StringVar(&o.Keys.Issuer, "jwt-issuer", "", "take only tokens of the issuer of this `name`")
	flags.IntVar(&o.Broker.History, "history", sse.DefaultHistory, "retain the last events of all topics in memory, at most this `number` of bytes")
	flags.DurationVar(&o.Broker.Heartbeat, "heartbeat", sse.DefaultHeartbeat, "send a heartbeat after this `duration` of silence")
	flags.StringVar(&o.Data.Dir, "data", "", "keep the events on disk, in this `directory`")
	flags.Int64Var(&o.Data.Bytes, "data-bytes", store.DefaultBytes, "retain the last events of all topics on disk, at most this `number` of bytes")
	flags.StringVar(&o.NATS.URLs, "nats", "", "share the events of all servers on the NATS at these `URLs`, separated by commas")
	flags.StringVar(&o.NATS.Creds, "nats-creds", "", "the credentials for NATS, a `file`")
	flags.IntVar(&o.NATS.Replicas, "nats-replicas", 1, "the `number` of NATS servers to hold the events, if their stream has to be created")
	flags.DurationVar(&o.Drain, "drain", 0, "when the server is to stop, end the streams one after another over this `duration`")
	flags.StringVar(&o.Log, "log", "text", "the log's `format`: text, or json for an object a line")
	flags.BoolVar(&o.CheckHealth, "healthcheck", false, "ask the server that runs with the other settings whether it is well: exit code 0, or 1")
	flags.BoolVar(&o.version, "version", false, "print the version, and end")
}

// GivenAs returns how a flag was given, for an error that is about it: "SSE_ADDR" where that was set, and
// otherwise "-addr".
func (o *Options) GivenAs(flag string) string {
	if o.givenAs[flag] != "" {
		return o.givenAs[flag]
	}
	return "-" + flag
}

// check says what is wrong with each option, and with those that go together.
func (o *Options) check() error {
	switch {
	case o.Interval <= 0:
		return fmt.Errorf("%s must be positive: %v", o.GivenAs("interval"), o.Interval)
	case o.Broker.History <= 0:
		return fmt.Errorf("%s must be positive: %d", o.GivenAs("history"), o.Broker.History)
	case o.Broker.Heartbeat < sse.MinHeartbeat:
		return fmt.Errorf("%s must be at least %v: %v", o.GivenAs("heartbeat"), sse.MinHeartbeat, o.Broker.Heartbeat)
	case (o.Cert == "") != (o.Key == ""):
		return fmt.Errorf("%s and %s go together", o.GivenAs("cert"), o.GivenAs("key"))
	case len(o.Origins) > 0 && o.TokenFile == "" && o.Keys.File == "":
		return fmt.Errorf("%s goes with -publish-token-file or -jwt-key-file", o.GivenAs("allow-origin"))
	case o.Keys.File == "" && o.Keys != KeyOptions{}:
		return fmt.Errorf("%s goes with -jwt-key-file", o.GivenAs(o.Keys.flagWithoutFile()))
	case o.Keys.Cookie != "" && (&http.Cookie{Name: o.Keys.Cookie}).Valid() != nil:
		return fmt.Errorf("%s is no name of a cookie: %q", o.GivenAs("jwt-cookie"), o.Keys.Cookie)
	case o.Data.Dir != "" && o.NATS.URLs != "":
		return fmt.Errorf("%s and %s exclude each other: NATS keeps the events", o.GivenAs("data"), o.GivenAs("nats"))
	case o.Data.Bytes <= 0 || o.Data.Bytes > store.MaxBytes:
		return fmt.Errorf("%s must be positive, and at most %d: %d", o.GivenAs("data-bytes"), int64(store.MaxBytes), o.Data.Bytes)
	case o.Data.Dir == "" && o.Data.Bytes != store.DefaultBytes:
		return fmt.Errorf("%s goes with -data", o.GivenAs("data-bytes"))
	case o.NATS.URLs == "" && o.NATS.Creds != "":
		return fmt.Errorf("%s goes with -nats", o.GivenAs("nats-creds"))
	case o.NATS.URLs == "" && o.NATS.Replicas != 1:
		return fmt.Errorf("%s goes with -nats", o.GivenAs("nats-replicas"))
	case o.NATS.Replicas < 1:
		return fmt.Errorf("%s must be positive: %d", o.GivenAs("nats-replicas"), o.NATS.Replicas)
	case o.Drain < 0:
		return fmt.Errorf("%s must not be negative: %v", o.GivenAs("drain"), o.Drain)
	case o.Log != "text" && o.Log != "json":
		return fmt.Errorf("%s must be text or json: %q", o.GivenAs("log"), o.Log)
	}
	return nil
}
