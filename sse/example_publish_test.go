package sse_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"example.com/sse/sse"

	"github.com/kataras/iris/v12"
)

// serve serves an app that has only the broker's stream. A program of its own would call
// app.Listen(":8080").
func serve(broker *sse.Broker) *httptest.Server {
	app := iris.New()
	app.Any("/events", broker.ServeHTTP)
	app.Build()
	return httptest.NewServer(app)
}

// stream returns the lines of a stream as a client reads them that names its last event ID. The
// first line, which is the reconnection time and random, is left out.
func stream(url, lastEventID string) *bufio.Scanner { return streamOf("", url, lastEventID) }

// streamOf is stream for a client with a session.
func streamOf(session, url, lastEventID string) *bufio.Scanner {
	client := &http.Client{Timeout: time.Minute}
	request, _ := http.NewRequest("GET", url, nil)
	request.AddCookie(&http.Cookie{Name: "session", Value: session})
	request.Header.Set("Last-Event-ID", lastEventID)
	response, _ := client.Do(request)
	lines := bufio.NewScanner(response.Body)
	lines.Scan()
	return lines
}

// printEvents prints the names and the data of that many events.
func printEvents(lines *bufio.Scanner, n int) {
	for n > 0 && lines.Scan() {
		switch line := lines.Text(); {
		case line == "":
			n--
		case !strings.HasPrefix(line, "id:"):
			fmt.Println(line)
		}
	}
}

// Events with and without a name. Publish returns nil when every client gets the event for certain.
func ExampleBroker_Publish() {
	broker := sse.NewBroker()
	server := serve(broker)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	fmt.Println(broker.Publish(ctx, sse.Event{Data: []byte("hello")}))
	fmt.Println(broker.Publish(ctx, sse.Event{Name: "alert", Data: []byte("Lunch is ready")}))

	printEvents(stream(server.URL+"/events", "0"), 2)
	broker.Shutdown(ctx)
	// Output:
	// <nil>
	// <nil>
	// data: hello
	// event: alert
	// data: Lunch is ready
}

// What Publish has accepted goes out before the streams end. Iris's own Shutdown would wait for
// streams that do not end by themselves, so the broker comes first or at the same time.
func ExampleBroker_Shutdown() {
	broker := sse.NewBroker()
	server := serve(broker)
	lines := stream(server.URL+"/events", "0")

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	broker.Publish(ctx, sse.Event{Data: []byte("the last event")})
	fmt.Println(broker.Shutdown(ctx))

	printEvents(lines, 1)
	fmt.Println("more:", lines.Scan())
	err := broker.Publish(ctx, sse.Event{Data: []byte("too late")})
	fmt.Println(errors.Is(err, sse.ErrStopped))
	// Output:
	// <nil>
	// data: the last event
	// more: false
	// true
}
