// Package demo is what the rivals have in common: their flags, and the events that this
// project's demo sends.
package demo

import (
	"encoding/json"
	"flag"
	"fmt"
	"time"
)

// Flags parses the command line.
func Flags() (addr string, interval time.Duration) {
	flag.StringVar(&addr, "addr", ":8080", "listen on this `host:port`")
	flag.DurationVar(&interval, "interval", 2*time.Second, "make an event each `duration`")
	flag.Parse()
	return addr, interval
}

// Payload returns the data of the event of the given moment.
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
