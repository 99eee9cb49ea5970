package sse_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"example.com/sse/sse"

	"github.com/kataras/iris/v12"
	"github.com/kataras/iris/v12/middleware/basicauth"
)

// The broker in an Iris app of one's own.
func Example() {
	broker := sse.NewBroker()

	app := iris.New()
	app.Any("/events", broker.ServeHTTP)
	// app.Listen(":8080"), or for this example:
	app.Build()
	server := httptest.NewServer(app)

	broker.Notifier <- sse.Event{ID: 1, Data: []byte("hello")}
	broker.Notifier <- sse.Event{ID: 2, Data: []byte("two\nlines")}

	client := &http.Client{Timeout: time.Minute}
	request, _ := http.NewRequest("GET", server.URL+"/events", nil)
	request.Header.Set("Last-Event-ID", "0") // A client that has seen nothing yet.
	response, _ := client.Do(request)
	lines := bufio.NewScanner(response.Body)
	lines.Scan() // The reconnection time, which is random.
	for range 6 {
		lines.Scan()
		fmt.Println(lines.Text())
	}
	broker.Shutdown(context.Background())
	// Output:
	// id: 1
	// data: hello
	//
	// id: 2
	// data: two
	// data: lines
}

// The broker behind Iris's basic authentication.
func Example_basicAuth() {
	broker := sse.NewBroker()

	app := iris.New()
	auth := basicauth.Default(map[string]string{"alice": "secret"})
	app.Get("/events", auth, broker.ServeHTTP)
	app.Build()
	server := httptest.NewServer(app)

	client := &http.Client{Timeout: time.Minute}
	request, _ := http.NewRequest("GET", server.URL+"/events", nil)
	response, _ := client.Do(request)
	fmt.Println(response.StatusCode, broker.Stats().ClientsTotal)

	request.SetBasicAuth("alice", "secret")
	response, _ = client.Do(request)
	fmt.Println(response.StatusCode, response.Header.Get("Content-Type"))
	broker.Shutdown(context.Background())
	// Output:
	// 401 0
	// 200 text/event-stream
}
