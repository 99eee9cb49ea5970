// Clients watches an event stream with a client in Go, and prints each event that it gets, an empty
// one too, as a line of JSON: clients CLIENT URL
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	launchdarkly "github.com/launchdarkly/eventsource"
	r3labs "github.com/r3labs/sse/v2"
	tmaxmax "github.com/tmaxmax/go-sse"
)

func main() {
	clients := map[string]func(url string) error{
		"launchdarkly": watchLaunchdarkly,
		"r3labs":       watchR3labs,
		"scanner":      watchScanner,
		"tmaxmax":      watchTmaxmax,
	}
	if len(os.Args) != 3 || clients[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: clients launchdarkly|r3labs|scanner|tmaxmax URL")
		os.Exit(2)
	}
	err := clients[os.Args[1]](os.Args[2])
	fmt.Fprintln(os.Stderr, "gave up:", err)
	os.Exit(1)
}

func show(id, name, data string) {
	json.NewEncoder(os.Stdout).Encode(struct {
		ID   string `json:"id"`
		Name string `json:"name"`
		Data string `json:"data"`
	}{id, name, data})
}

func watchTmaxmax(url string) error {
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	connection := tmaxmax.NewConnection(request)
	connection.SubscribeToAll(func(e tmaxmax.Event) { show(e.LastEventID, e.Type, e.Data) })
	return connection.Connect()
}

func watchR3labs(url string) error {
	client := r3labs.NewClient(url)
	client.ReconnectStrategy = always{}
	for {
		// A stream that ends, however it ends, is over for it without an error.
		err := client.SubscribeRaw(func(e *r3labs.Event) { show(string(e.ID), string(e.Event), string(e.Data)) })
		if err != nil {
			return err
		}
	}
}

// always has r3labs/sse retry every half a second. By itself it would give up after 15 minutes.
type always struct{}

func (always) NextBackOff() time.Duration { return 500 * time.Millisecond }
func (always) Reset()                     {}

func watchLaunchdarkly(url string) error {
	stream, err := launchdarkly.SubscribeWithURL(url)
	if err != nil {
		return err
	}
	for {
		select {
		case e := <-stream.Events:
			show(e.Id(), e.Event(), e.Data())
		case <-stream.Errors: // It tells that the stream was lost, and reconnects.
		}
	}
}

// watchScanner is no library but what many write themselves: a bufio.Scanner, whose lines are shorter than
// 64 KiB.
func watchScanner(url string) error {
	var id, name string
	var data []string
	for ; ; time.Sleep(500 * time.Millisecond) {
		request, err := http.NewRequest(http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		request.Header.Set("Last-Event-ID", id)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			continue // The server is being restarted.
		}
		lines := bufio.NewScanner(response.Body)
		for lines.Scan() {
			field, value, _ := strings.Cut(lines.Text(), ": ")
			switch field {
			case "id":
				id = value
			case "event":
				name = value
			case "data":
				data = append(data, value)
			case "":
				if data != nil {
					show(id, name, strings.Join(data, "\n"))
				}
				name, data = "", nil
			}
		}
		response.Body.Close()
		fmt.Fprintln(os.Stderr, lines.Err())
		name, data = "", nil
	}
}
