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

	request, _ := http.NewRequest("GET", server.URL+"/events", nil)
	request.Header.Set("Last-Event-ID", "0") // A client that has seen nothing yet.
	response, _ := http.DefaultClient.Do(request)
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

	request, _ := http.NewRequest("GET", server.URL+"/events", nil)
	response, _ := http.DefaultClient.Do(request)
	fmt.Println(response.StatusCode, broker.Stats().ClientsTotal)

	request.SetBasicAuth("alice", "secret")
	response, _ = http.DefaultClient.Do(request)
	for broker.Stats().ClientsTotal == 0 { // It is registered a moment after its header is out.
		time.Sleep(time.Millisecond)
	}
	fmt.Println(response.StatusCode, response.Header.Get("Content-Type"), broker.Stats().ClientsTotal)
	broker.Shutdown(context.Background())
	// Output:
	// 401 0
	// 200 text/event-stream 1
}
