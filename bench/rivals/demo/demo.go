// Package demo is what the rivals have in common: their flags, how they serve, and the events
// that this project's demo sends.
package demo

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Flags are a rival's command line.
type Flags struct {
	Addr     string        // host:port to listen on
	Interval time.Duration // an event each
	Cert     string        // the PEM file of the certificate for HTTPS; empty for HTTP
	Key      string        // the PEM file of its private key
	Topics   int           // publish to so many topics; 0 means to everybody
	Each     bool          // with Topics: publish to each of them once, instead of at random
	Timings  string        // with Topics or Publishers: the file for the [Timings]

	Data       string // keep the events in this directory
	Publishers int    // publish from so many goroutines, each as fast as it can

	toggle chan os.Signal // SIGUSR1s, with Topics or Publishers
}

// Parse parses the command line.
func Parse() (f Flags) {
	flag.StringVar(&f.Addr, "addr", ":8080", "listen on this `host:port`")
	flag.DurationVar(&f.Interval, "interval", 2*time.Second, "make an event each `duration`")
	flag.StringVar(&f.Cert, "cert", "", "serve HTTPS and HTTP/2 with the certificate in this PEM `file`")
	flag.StringVar(&f.Key, "key", "", "the certificate's private key, a PEM `file`")
	flag.IntVar(&f.Topics, "topics", 0, "publish to this `number` of topics at random, from a SIGUSR1 to the next")
	flag.BoolVar(&f.Each, "each", false, "publish to each topic once: at a SIGUSR1 to the first, at the next to all others")
	flag.StringVar(&f.Timings, "timings", "", "write to this `file` how long each publication to a topic took")
	flag.StringVar(&f.Data, "data", "", "keep the events on disk, in this `directory`, where the server can")
	flag.IntVar(&f.Publishers, "publishers", 0, "publish from this `number` of goroutines at once, from a SIGUSR1 to the next")
	flag.Parse()
	if f.Topics > 0 || f.Publishers > 0 {
		f.toggle = make(chan os.Signal, 2)
		signal.Notify(f.toggle, syscall.SIGUSR1)
	}
	return f
}

// Serve serves http.DefaultServeMux, over HTTPS and HTTP/2 where there is a certificate. It
// returns when that fails.
func (f Flags) Serve() error {
	if f.Cert == "" {
		return http.ListenAndServe(f.Addr, nil)
	}
	return http.ListenAndServeTLS(f.Addr, f.Cert, f.Key, nil)
}

// Payload returns the data of the event at the given time.
func Payload(now time.Time) []byte {
	b, err := json.Marshal(struct {
		Timestamp int64  `json:"timestamp"`
		Message   string `json:"message"`
	}{now.Unix(), fmt.Sprintf("Hello at %s", now.Format(time.RFC1123))})
	if err != nil {
		panic(err) // a number and a string
	}
	return b
}

// Every calls send for each event until it returns an error. IDs rise by one, and are as long
// as this project's: all servers write the same number of bytes.
func Every(interval time.Duration, send func(id int64, payload []byte) error) error {
	id := time.Now().UnixMicro()
	for now := range time.Tick(interval) {
		id++
		if err := send(id, Payload(now)); err != nil {
			return err
		}
	}
	return nil
}
